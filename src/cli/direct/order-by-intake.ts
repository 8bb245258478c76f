import { namespaces, queues, signals, stopIntakeWorkflowId, workflowTypes } from '../../contract/names.ts';
import type { StopOrder } from '../../contract/stop.ts';
import { directly, type TemporalSecurity } from '../../contract/temporal-security.ts';
import { EstopError } from '../../core/errors.ts';

const patienceMs = 5_000;

/**
 * The second road: the order becomes durable in Temporal and is latched from there. Sent unsealed, because whoever has only an
 * address has no key: a reason given here is readable in that history. rule: one-intake, accepted-is-not-latched
 */
export async function orderByIntake(
  place: { readonly address: string } & TemporalSecurity,
  environment: string,
  order: StopOrder,
): Promise<void> {
  const { Client, Connection } = await import('@temporalio/client');
  try {
    const connection = await Connection.connect({ ...place, connectTimeout: patienceMs, channelArgs: directly });
    const client = new Client({ connection, namespace: namespaces.control });
    try {
      await client.withDeadline(Date.now() + patienceMs, () =>
        client.workflow.signalWithStart(workflowTypes.stopIntake, {
          workflowId: stopIntakeWorkflowId(environment),
          taskQueue: queues.control,
          args: [],
          signal: signals.order,
          signalArgs: [order],
        }),
      );
    } finally {
      await connection.close();
    }
  } catch (cause) {
    throw new EstopError('temporal-unavailable', {
      detail: cause instanceof Error ? cause.message : 'no answer',
      cause,
    });
  }
}
