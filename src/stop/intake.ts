import type { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { namespaces, queues, signals, stopIntakeWorkflowId, workflowTypes } from '../contract/names.ts';
import type { StopOrder } from '../contract/stop.ts';
import { directly, type TemporalSecurity } from '../contract/temporal-security.ts';
import { EstopError } from '../core/errors.ts';

/** The second road: the same order, durable in Temporal, latched from there as soon as the store can. */
export interface Intake {
  /** One try. Resolves once Temporal has the order; from then on it is `accepted`. Safe to repeat. */
  accept(order: StopOrder, deadlineMs: number): Promise<void>;
  /** Temporal answered when it was last asked. */
  isWarm(): boolean;
  close(): Promise<void>;
}

interface IntakeOptions {
  readonly address: string;
  readonly security?: TemporalSecurity;
  readonly environment: string;
  readonly dataConverter?: DataConverter;
  /** How often Temporal is asked for a word, so that the connection is there before it is needed. */
  readonly warmEveryMs: number;
}

interface Road {
  readonly client: Client;
  readonly connection: Connection;
}

/**
 * Warms up in the background: the client is large, and neither loading it nor a missing Temporal may hold up the listener.
 * There is ONE intake workflow per environment, so that it can be read by its id, without a list that lags.
 * rule: one-intake, accepted-is-not-latched
 */
export function createIntake(options: IntakeOptions): Intake {
  let warm = false;
  let closed = false;
  const connect = async (): Promise<Road> => {
    const { Client, Connection } = await import('@temporalio/client');
    const connection = Connection.lazy({
      address: options.address,
      ...options.security,
      // gRPC would wait up to two minutes before it looks for a server that came back, and the SDK's own retries begin at a
      // second where the intake is just closing. Whoever places the order tries again himself.
      interceptors: [],
      channelArgs: {
        ...directly,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.min_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1_000,
      },
    });
    const client = new Client({
      connection,
      namespace: namespaces.control,
      ...(options.dataConverter === undefined ? {} : { dataConverter: options.dataConverter }),
    });
    return { client, connection };
  };
  const road = connect();
  const keepWarm = async (): Promise<void> => {
    const { connection } = await road;
    warm = await connection
      .withDeadline(Date.now() + options.warmEveryMs, () => connection.workflowService.getSystemInfo({}))
      .then(
        () => true,
        () => false,
      );
    if (!closed) setTimeout(keepWarmOn, options.warmEveryMs).unref();
  };
  const keepWarmOn = (): void => void keepWarm().catch(() => undefined);
  keepWarmOn();

  return {
    isWarm: () => warm,
    accept: async (order, deadlineMs) => {
      const { client } = await road;
      try {
        await client.withDeadline(Date.now() + deadlineMs, () =>
          client.workflow.signalWithStart(workflowTypes.stopIntake, {
            workflowId: stopIntakeWorkflowId(options.environment),
            taskQueue: queues.control,
            args: [],
            // While a dead worker holds a task of it, its orders are in no history yet, and the drain waits.
            workflowTaskTimeout: '3 s',
            signal: signals.order,
            signalArgs: [order],
          }),
        );
      } catch (cause) {
        throw new EstopError('temporal-unavailable', { detail: 'the intake did not take the order', cause });
      }
    },
    close: async () => {
      closed = true;
      const { connection } = await road;
      await connection.close().catch(() => undefined);
    },
  };
}
