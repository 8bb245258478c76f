import { EstopError } from '../../core/errors.ts';
import type { CallContext, Connector, ConnectorHost, GrantSecret, LedgerGrant, SelfCheck } from '../kit/contract.ts';
import { controlName, principalName } from '../kit/names.ts';
import { explain } from '../kit/results.ts';
import { totalConnector } from '../kit/total-connector.ts';
import { cutOff } from './cut.ts';
import { type TemporalOptions, temporalGrant } from './options.ts';
import { probeSchedule, tryControl } from './probe.ts';
import { createSchedule, idOf, readStanding } from './schedule.ts';
import { connectTarget, type Target } from './target.ts';
import { isListedAs, listRunning } from './workflows.ts';

/**
 * The agent's own schedule and the workflows that it starts: what would wake the agent again after everything else is dead.
 * Schedule and workflows carry the grant's own name, so nothing of another generation is touched. Not covered: workflows that an
 * agent with access of its own to the namespace starts by themselves; give agents no such access.
 */
export function createTemporalConnector(options: TemporalOptions, host: ConnectorHost): Connector {
  const target = connectTarget(options, () =>
    options.apiKey === undefined ? undefined : host.readSecret(options.apiKey),
  );
  const controlId = controlName(host.environment, host.connectorId);
  return totalConnector({
    plan: (request) => {
      const { workflowType, taskQueue, everySeconds } = temporalGrant.parse(request.options);
      return {
        target: `${options.namespace}@${options.address}`,
        handle: { scheduleId: principalName(request), workflowType, taskQueue, everySeconds },
      };
    },
    issue: (grant, context) => issue(target, options, grant, context),
    cut: (phase, grant, context) => cutOff(phase, { target, grant, context }),
    probe: (grant, context) => probeSchedule({ target, context, now: () => host.now() }, grant),
    control: (_grant, context) => tryControl(target, controlId, context),
    lists: async (grant, context) => {
      if ((await readStanding(target, grant, context)).kind === 'live') return 'present';
      return (await listRunning(target, grant, context)).length === 0 ? 'absent' : 'present';
    },
    selfCheck: (context) => selfCheck(target, options, controlId, context),
    close: () => target.close(),
  });
}

async function issue(
  target: Target,
  options: TemporalOptions,
  grant: LedgerGrant,
  context: CallContext,
): Promise<GrantSecret> {
  const made = await target.make('Creating a schedule', context, (client) => createSchedule(client, grant));
  if (made === 'already-there') {
    // Ours from an earlier attempt whose answer was lost; what was cut, or is being cut, is not brought back.
    const standing = await readStanding(target, grant, context);
    if (standing.kind !== 'live' || standing.paused || standing.grantId !== grant.grantId) {
      throw new EstopError('conflict', {
        detail: 'The schedule of this grant is cut, or its name is held: nothing is issued under it any more.',
      });
    }
  }
  // No credential of ours goes along: how the agent reaches the namespace is its own affair, the schedule is what was granted.
  return { address: options.address, namespace: options.namespace, scheduleId: idOf(grant) };
}

/** Each right that a stop will need, used once. */
async function selfCheck(
  target: Target,
  { namespace }: TemporalOptions,
  controlId: string,
  context: CallContext,
): Promise<SelfCheck> {
  const control = async (): Promise<void> => {
    const verdict = await tryControl(target, controlId, context);
    if (verdict.kind === 'not-allowed') throw new EstopError('connector-unavailable', { detail: verdict.why });
  };
  const tries = [
    () =>
      target.call('Describing the namespace', context, (client) =>
        client.workflowService.describeNamespace({ namespace }),
      ),
    () => isListedAs(target, controlId, 'Running', context),
    control,
  ];
  const findings: string[] = [];
  for (const attempt of tries) {
    try {
      await attempt();
    } catch (thrown) {
      findings.push(explain(thrown).why);
    }
  }
  return { ok: findings.length === 0, findings: [...new Set(findings)] };
}
