import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { EstopError, isErrorCode } from '../core/errors.ts';
import { readProblem } from './read-problem.ts';

/** As much of fetch as a request with a short answer needs; a program that must start fast may bring something lighter. */
export type Send = (url: string, init: SendInit) => Promise<SendAnswer>;

export interface SendInit {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** A token goes nowhere else. */
  readonly redirect: 'error';
}

export interface SendAnswer {
  readonly ok: boolean;
  readonly status: number;
  text(): Promise<string>;
}

export interface TransportOptions {
  readonly token: string;
  readonly send: Send;
  /** Of one attempt. */
  readonly timeoutMs: number;
  readonly attempts: number;
  /** The Idempotency-Key of what changes something and was given none; random where nothing is said. */
  readonly mintKey?: (() => string) | undefined;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly baseUrl: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly body?: unknown;
  /** A POST always has one: minted here if the caller has none, and the same in every attempt. */
  readonly idempotencyKey?: string | undefined;
  /** The server keeps no answer to this under its key, and does it again: it only asks, or it gives out a secret. */
  readonly isRepeated?: true;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

export type Transport = <Answer>(call: Call) => Promise<Answer>;

/**
 * Every request may be repeated: a GET changes nothing, a POST carries its Idempotency-Key, a stop its own id. So whatever
 * might be mere weather is tried again, and only the last failure is thrown, as an EstopError with the code the server gave.
 */
export function createTransport(options: TransportOptions): Transport {
  return async <Answer>(call: Call): Promise<Answer> => {
    const request = describe(call, options);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await send(request, call, options)) as Answer; // the server's schemas are the contract; see contract/http
      } catch (thrown) {
        const error = thrown as EstopError; // send throws nothing else
        if (attempt >= options.attempts || call.signal?.aborted === true || !mayRepeat(error)) throw error;
        await pause(error.retryAfterMs ?? backoffMs(attempt), undefined, { signal: call.signal });
      }
    }
  };
}

interface Described {
  readonly url: string;
  readonly init: Omit<SendInit, 'signal'>;
}

function describe(call: Call, { token, mintKey }: TransportOptions): Described {
  const url = addressOf(call);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'application/json' };
  if (call.method === 'POST') {
    headers['idempotency-key'] =
      call.idempotencyKey ?? (call.isRepeated === true ? undefined : mintKey?.()) ?? randomUUID();
    headers['content-type'] = 'application/json';
  }
  return {
    url: url.href,
    init: {
      method: call.method,
      headers,
      redirect: 'error',
      ...(call.method === 'POST' ? { body: JSON.stringify(call.body ?? {}) } : {}),
    },
  };
}

/** Nobody is reached at what is no address. It is not repeated: somebody may have put there what is secret. */
function addressOf({ path, baseUrl }: Call): URL {
  try {
    return new URL(path, baseUrl);
  } catch (cause) {
    throw new EstopError('unreachable', {
      detail: 'what was given as its address is none, such as http://host:7700',
      cause,
    });
  }
}

async function send({ url, init }: Described, call: Call, options: TransportOptions): Promise<unknown> {
  const limit = AbortSignal.timeout(call.timeoutMs ?? options.timeoutMs);
  const signal = call.signal === undefined ? limit : AbortSignal.any([call.signal, limit]);
  let response: SendAnswer;
  let text: string;
  try {
    response = await options.send(url, { ...init, signal });
    text = await response.text();
  } catch (cause) {
    throw new EstopError('unreachable', { detail: `${new URL(url).origin}: ${whyNot(cause, limit.aborted)}`, cause });
  }
  if (!response.ok) throw readProblem(response, text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EstopError('bad-answer', { detail: `${response.status} from ${new URL(url).origin} is not JSON`, cause });
  }
}

/** What a person can act on; fetch hides it one level down. */
export function whyNot(cause: unknown, timedOut: boolean): string {
  if (timedOut) return 'no answer in time';
  for (const error of [cause, cause instanceof Error ? cause.cause : undefined]) {
    if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
      return error.code;
  }
  return cause instanceof Error ? cause.message : 'no answer';
}

const repeatable = new Set(['unreachable', 'idempotency-in-flight', 'store-unavailable', 'temporal-unavailable']);

function mayRepeat(error: EstopError): boolean {
  return isErrorCode(error.code) && repeatable.has(error.code);
}

function backoffMs(attempt: number): number {
  return 100 * 2 ** (attempt - 1) * (0.5 + Math.random());
}
