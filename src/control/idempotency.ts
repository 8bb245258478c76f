import { createHash, randomBytes } from 'node:crypto';
import { problemOf } from '../contract/problem.ts';
import { type ErrorCode, EstopError, errorCatalogue, errorCodeOf } from '../core/errors.ts';
import { beginRequest, finishRequest } from '../store/requests.ts';
import type { ControlDeps } from './deps.ts';
import type { Reply } from './endpoint.ts';

const keyPattern = /^[\x21-\x7e]{1,200}$/;
/** A request whose process died is taken over after that; see `seed` for why doing it again is safe. */
const staleMs = 30_000;
const inFlightRetryMs = 500;

export interface Seeded {
  readonly seed: (attempt: number) => Uint8Array;
}

interface KeyedRequest {
  readonly actor: string;
  readonly key: string | undefined;
  /** Endpoint, path and body: everything that makes it this request and no other. */
  readonly text: string;
}

/**
 * Same actor, same key, same request: the first answer again. Errors that time may mend are not kept. What a handler makes gets
 * its id from `seed`, which is a function of actor, key and request: also a request that was cut off half way, and is done
 * again by somebody else, makes the same thing and not a second one.
 */
export async function runOnce(
  deps: ControlDeps,
  request: KeyedRequest,
  repeats: 'stored' | 'repeatable',
  requestId: string,
  run: (seeded: Seeded) => Promise<Reply | Response>,
): Promise<Reply | Response> {
  const { actor, key } = request;
  if (key === undefined) return run({ seed: () => randomBytes(16) });
  const hash = createHash('sha256').update(request.text).digest();
  const seed = (attempt: number): Uint8Array =>
    createHash('sha256')
      .update(JSON.stringify([actor, key, hash.toString('hex'), attempt]))
      .digest()
      .subarray(0, 16);
  if (repeats === 'repeatable') return run({ seed });
  if (!keyPattern.test(key))
    throw new EstopError('invalid-input', {
      fields: [{ pointer: 'Idempotency-Key', message: '1 to 200 printable characters.' }],
    });
  const begun = await beginRequest(deps.store, { actor, key, hash, staleMs });
  switch (begun.kind) {
    case 'mismatch':
      throw new EstopError('idempotency-mismatch');
    case 'in-flight':
      throw new EstopError('idempotency-in-flight', { retryAfterMs: inFlightRetryMs });
    case 'replay':
      return replay(begun.status, begun.response);
    case 'fresh':
  }
  try {
    const reply = await run({ seed });
    if (reply instanceof Response) throw new Error('a stream cannot be kept');
    await finishRequest(deps.store, {
      actor,
      key,
      status: reply.status,
      response: { body: reply.body, headers: reply.headers ?? {} },
    });
    return reply;
  } catch (thrown) {
    const code = errorCodeOf(thrown);
    if (mayMend(code)) await finishRequest(deps.store, { actor, key }).catch(() => undefined);
    else {
      const problem = problemOf(thrown, requestId);
      await finishRequest(deps.store, {
        actor,
        key,
        status: problem.status,
        response: { code, detail: problem.detail ?? null, fields: problem.errors ?? [] },
      }).catch(() => undefined);
    }
    throw thrown;
  }
}

const mayMend = (code: ErrorCode): boolean => errorCatalogue[code].retry !== 'never';

interface KeptReply {
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

interface KeptProblem {
  readonly code: ErrorCode;
  readonly detail: string | null;
  readonly fields: readonly { readonly pointer: string; readonly message: string }[];
}

/** What is read back is what was written above, by this or an older version of this process. */
function replay(status: number, response: unknown): Reply {
  if (status < 300) {
    const kept = response as KeptReply;
    return {
      status: status as Reply['status'],
      body: kept.body,
      headers: { ...kept.headers, 'idempotency-replayed': 'true' },
    };
  }
  const kept = response as KeptProblem;
  throw new EstopError(kept.code, { fields: kept.fields, ...(kept.detail === null ? {} : { detail: kept.detail }) });
}
