import type { Client, Connection } from '@temporalio/client';
import { directly } from '../../contract/temporal-security.ts';
import { EstopError } from '../../core/errors.ts';
import { resolveAddress } from '../kit/address.ts';
import type { CallContext } from '../kit/contract.ts';
import { emptyForeignPayloads } from './foreign-payloads.ts';
import type { TemporalOptions } from './options.ts';

/** gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html) that are told apart here. */
const status = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** What a broken connection looks like to a caller; a destroyed HTTP/2 session stays in use and answers `internal` to everything. */
const broken: readonly (number | undefined)[] = [status.unknown, status.internal, status.unavailable];

export interface Target {
  /** Runs one or more calls under the attempt's signal. What fails is an error of the catalogue, in our words. */
  call<Result>(what: string, context: CallContext, run: (client: Client) => Promise<Result>): Promise<Result>;
  /** The same, where "there is no such thing" is an answer. */
  find<Result>(
    what: string,
    context: CallContext,
    run: (client: Client) => Promise<Result>,
  ): Promise<Result | 'not-found'>;
  /** The same, where "there is one of that name" is an answer. */
  make(
    what: string,
    context: CallContext,
    run: (client: Client) => Promise<unknown>,
  ): Promise<'made' | 'already-there'>;
  close(): Promise<void>;
}

interface Open {
  readonly connection: Connection;
  readonly client: Client;
}

/**
 * One connection for each connector, to an address that was checked. It is given up when it breaks, so that the next attempt
 * asks the resolver again: servers move. The client is large, so it is imported at first use.
 */
export function connectTarget(options: TemporalOptions, readApiKey: () => string | undefined): Target {
  let held: Open | undefined;
  const open = async (context: CallContext): Promise<Open> => {
    if (held !== undefined) return held;
    const opened = await connect(options, readApiKey(), context);
    if (held === undefined) return (held = opened);
    await opened.connection.close(); // another attempt was faster
    return held;
  };
  const giveUp = async (opened: Open): Promise<void> => {
    if (held !== opened) return;
    held = undefined;
    await opened.connection.close();
  };
  const run = async <Result, Answer extends string | undefined>(
    what: string,
    context: CallContext,
    work: (client: Client) => Promise<Result>,
    answerOf: (code: number | undefined) => Answer,
  ): Promise<Result | NonNullable<Answer>> => {
    const opened = await open(context);
    try {
      // What the client does between two calls knows nothing of the signal, so the attempt's deadline is kept here as well.
      return await beforeAbort(context.signal, () =>
        opened.connection.withAbortSignal(context.signal, () => work(opened.client)),
      );
    } catch (thrown) {
      const code = statusOf(thrown);
      const answer = nameOf(thrown) === 'NamespaceNotFoundError' ? undefined : answerOf(code);
      if (answer !== undefined) return answer;
      if (broken.includes(code)) await giveUp(opened);
      throw explained(thrown, what, options, context);
    }
  };
  return {
    call: (what, context, work) => run(what, context, work, never),
    find: (what, context, work) =>
      run(what, context, work, (code) => (code === status.notFound ? 'not-found' : undefined)),
    make: async (what, context, work) => {
      const made = async (client: Client): Promise<'made'> => {
        await work(client);
        return 'made';
      };
      return run(what, context, made, (code) => (code === status.alreadyExists ? 'already-there' : undefined));
    },
    close: async () => {
      const opened = held;
      held = undefined;
      await opened?.connection.close();
    },
  };
}

const never = (): undefined => undefined;

async function beforeAbort<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  signal.throwIfAborted();
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error); // of an AbortSignal, whose reasons are errors
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function connect(options: TemporalOptions, apiKey: string | undefined, { signal }: CallContext): Promise<Open> {
  const colon = options.address.lastIndexOf(':');
  const host = options.address.slice(0, colon);
  const checked = await resolveAddress(host, options.network, signal);
  const ip = checked.family === 6 ? `[${checked.ip}]` : checked.ip;
  const { Client, Connection, defaultPayloadConverter } = await import('@temporalio/client');
  const connection = Connection.lazy({
    address: `${ip}${options.address.slice(colon)}`,
    channelArgs: directly,
    // A lane is retried by whoever runs it; retries of the client's own would outlast the attempt and hide what happened.
    interceptors: [],
    // The certificate must be that of the name, although the connection goes to the checked address.
    ...(options.tls || apiKey !== undefined ? { tls: { serverNameOverride: host } } : {}),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  const dataConverter = { payloadCodecs: [emptyForeignPayloads(defaultPayloadConverter)] };
  return { connection, client: new Client({ connection, namespace: options.namespace, dataConverter }) };
}

/** SDK errors wrap the gRPC error as `cause`; the code is what counts, the class is not looked at. */
function statusOf(thrown: unknown): number | undefined {
  for (let error = thrown, depth = 0; typeof error === 'object' && error !== null && depth < 5; depth += 1) {
    const name = nameOf(error);
    if (name === 'ScheduleNotFoundError' || name === 'WorkflowNotFoundError' || name === 'NamespaceNotFoundError')
      return status.notFound;
    if (name === 'ScheduleAlreadyRunning' || name === 'WorkflowExecutionAlreadyStartedError')
      return status.alreadyExists;
    if ('code' in error && typeof error.code === 'number') return error.code;
    error = 'cause' in error ? error.cause : undefined;
  }
  return undefined;
}

function nameOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown ? thrown.name : undefined;
}

function explained(thrown: unknown, what: string, { namespace }: TemporalOptions, { signal }: CallContext): EstopError {
  // Not "nothing is there": a namespace that cannot be found says nothing about what is in it.
  if (nameOf(thrown) === 'NamespaceNotFoundError') {
    return new EstopError('connector-refused', {
      detail: `${what}: there is no namespace ${namespace}.`,
      cause: thrown,
    });
  }
  const code = statusOf(thrown);
  if (code === status.permissionDenied || code === status.unauthenticated) {
    return new EstopError('connector-refused', { detail: `${what}: our own credential is refused.`, cause: thrown });
  }
  const why = signal.aborted ? 'no answer in time' : sentenceOf(code);
  return new EstopError('connector-unavailable', { detail: `${what}: ${why}.`, cause: thrown });
}

/** For people, who know no numbers; the number is in the cause, for the log. */
function sentenceOf(code: number | undefined): string {
  switch (code) {
    case status.cancelled:
    case status.deadlineExceeded:
      return 'no answer in time';
    case status.resourceExhausted:
      return 'the Temporal server has too much to do just now';
    case status.unavailable:
      return 'the Temporal server cannot be reached';
    case status.notFound:
      return 'the Temporal server knows nothing by that name';
    case status.internal:
    case status.unknown:
      return 'the Temporal server reports a fault of its own';
    default:
      return 'the Temporal server would not do it';
  }
}
