import type { Client, Connection } from '@temporalio/client';
import { EstopError } from '../../core/errors.ts';
import { resolveAddress } from '../kit/address.ts';
import type { CallContext } from '../kit/contract.ts';
import type { TemporalOptions } from './options.ts';

/** gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html) that are told apart here. */
const notFoundCode = 5;
const refusedCodes: readonly number[] = [7, 16];
const alreadyExistsCode = 6;

export interface Target {
  /** Runs one or more calls under the attempt's signal. What fails is an error of the catalogue, in our words. */
  call<Result>(what: string, context: CallContext, run: (client: Client) => Promise<Result>): Promise<Result>;
  /** The same, where "there is no such thing" is an answer. */
  find<Result>(what: string, context: CallContext, run: (client: Client) => Promise<Result>): Promise<Result | 'not-found'>;
  close(): Promise<void>;
}

/** One connection for each connector, to an address that was checked. The client is large, so it is imported at first use. */
export function connectTarget(options: TemporalOptions, readApiKey: () => string | undefined): Target {
  let held: Promise<{ readonly connection: Connection; readonly client: Client }> | undefined;
  const open = async (context: CallContext) => {
    held ??= connect(options, readApiKey, context);
    try {
      return await held;
    } catch (thrown) {
      held = undefined; // an outage at first use must not be remembered
      throw thrown;
    }
  };
  const run = async <Result>(what: string, context: CallContext, work: (client: Client) => Promise<Result>): Promise<Result | 'not-found'> => {
    const { connection, client } = await open(context);
    try {
      // The client's own retries outlast an aborted call, so the attempt's deadline is kept here as well.
      return await Promise.race([connection.withAbortSignal(context.signal, () => work(client)), untilAborted(context.signal)]);
    } catch (thrown) {
      if (statusOf(thrown) === notFoundCode) return 'not-found';
      throw explained(thrown, what, context);
    }
  };
  return {
    find: run,
    call: async (what, context, work) => {
      const result = await run(what, context, work);
      if (result === 'not-found') throw new EstopError('connector-garbage', { detail: `${what}: there is no such namespace or workflow.` });
      return result;
    },
    close: async () => {
      const opened = await held?.catch(() => undefined);
      await opened?.connection.close();
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(new EstopError('connector-unavailable'));
    signal.addEventListener('abort', () => reject(new EstopError('connector-unavailable')), { once: true });
  });
}

export function isAlreadyThere(thrown: unknown): boolean {
  return statusOf(thrown) === alreadyExistsCode;
}

async function connect(options: TemporalOptions, readApiKey: () => string | undefined, { signal }: CallContext) {
  const colon = options.address.lastIndexOf(':');
  const host = options.address.slice(0, colon);
  const checked = await resolveAddress(host, options.network, signal);
  const ip = checked.family === 6 ? `[${checked.ip}]` : checked.ip;
  const apiKey = readApiKey();
  const { Client, Connection } = await import('@temporalio/client');
  const connection = Connection.lazy({
    address: `${ip}${options.address.slice(colon)}`,
    // The certificate must be that of the name, although the connection goes to the checked address.
    ...(options.tls || apiKey !== undefined ? { tls: { serverNameOverride: host } } : {}),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  return { connection, client: new Client({ connection, namespace: options.namespace }) };
}

/** SDK errors wrap the gRPC error as `cause`; the code is what counts, the class is not looked at. */
function statusOf(thrown: unknown): number | undefined {
  for (let error = thrown, depth = 0; typeof error === 'object' && error !== null && depth < 5; depth += 1) {
    if ('name' in error && (error.name === 'ScheduleNotFoundError' || error.name === 'WorkflowNotFoundError')) return notFoundCode;
    if ('name' in error && error.name === 'ScheduleAlreadyRunning') return alreadyExistsCode;
    if ('code' in error && typeof error.code === 'number') return error.code;
    error = 'cause' in error ? error.cause : undefined;
  }
  return undefined;
}

function explained(thrown: unknown, what: string, { signal }: CallContext): unknown {
  const status = statusOf(thrown);
  if (status === alreadyExistsCode) return thrown;
  if (status !== undefined && refusedCodes.includes(status)) return new EstopError('connector-refused', { detail: `${what}: our own credential is refused.`, cause: thrown });
  return new EstopError('connector-unavailable', { detail: `${what}: ${signal.aborted ? 'no answer in time' : `gRPC status ${status ?? 'unknown'}`}.`, cause: thrown });
}
