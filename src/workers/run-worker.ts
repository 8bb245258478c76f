import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { Log } from '../contract/identity.ts';
import { namespaces } from '../contract/names.ts';
import type { TemporalSecurity } from '../contract/temporal-security.ts';
import { type EstopError, errorCodeOf } from '../core/errors.ts';
import { refuseForeignNamespace } from '../runtime/namespace-owner.ts';
import { installTemporalRuntime } from './temporal-runtime.ts';

interface WorkerProcess {
  readonly log: Log;
  readonly environment: string;
  readonly temporalAddress: string;
  readonly temporalSecurity: TemporalSecurity;
  /** host:port for what Temporal's SDK counts. */
  readonly temporalMetrics?: string | undefined;
  readonly create: (connection: NativeConnection) => Promise<Worker>;
  /** After the worker has drained. */
  readonly close: () => Promise<void>;
}

const retryMs = 500;
const lookMs = 5_000;

/** A worker process from start to end: waits for Temporal, runs, and drains when it is told to end. */
export async function runWorker({
  log,
  environment,
  temporalAddress,
  temporalSecurity,
  temporalMetrics,
  create,
  close,
}: WorkerProcess): Promise<void> {
  installTemporalRuntime(log, temporalMetrics);
  let isEnding = false;
  let worker: Worker | undefined = undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      isEnding = true;
      if (worker === undefined) process.exit(0);
      if (worker.getState() === 'RUNNING') worker.shutdown();
    });
  }
  const connection = await connect(temporalAddress, temporalSecurity, environment, log);
  worker = await create(connection);
  if (!isEnding) {
    log.info({ event: 'worker.running', taskQueue: worker.options.taskQueue }, 'the worker polls');
    await worker.run();
  }
  await connection.close();
  await close();
}

/** Temporal may come up after us, or be away for a while. One of another environment is none. */
async function connect(
  address: string,
  security: TemporalSecurity,
  environment: string,
  log: Log,
): Promise<NativeConnection> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connectToOwn(address, security, environment);
    } catch (thrown) {
      if (errorCodeOf(thrown) === 'config-invalid') {
        const { detail } = thrown as EstopError; // by its code
        log.error({ event: 'temporal.foreign', detail }, 'this Temporal is of another environment');
        process.exit(1);
      }
      if (attempt === 1) log.warn({ event: 'temporal.unreachable', address }, 'Temporal cannot be reached; trying on');
      await sleep(retryMs);
    }
  }
}

async function connectToOwn(
  address: string,
  security: TemporalSecurity,
  environment: string,
): Promise<NativeConnection> {
  const connection = await NativeConnection.connect({ address, ...security });
  try {
    await connection.withDeadline(Date.now() + lookMs, () =>
      refuseForeignNamespace(connection, namespaces.agents, environment),
    );
    return connection;
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
}
