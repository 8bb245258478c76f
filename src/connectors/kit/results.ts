import { type EstopError, errorCatalogue, errorCodeOf } from '../../core/errors.ts';
import type { ControlResult, ProbeResult, RevokeResult } from './contract.ts';
import type { HttpReply } from './guarded-http.ts';

/** Small constructors, so that a connector reads as a list of what happened. */
export const revoked: RevokeResult = { kind: 'revoked' };
export const alreadyGone: RevokeResult = { kind: 'already-gone' };
export const notFound = (why: string): RevokeResult => ({ kind: 'not-found-unconfirmed', why });
export const needsHuman = (why: string): RevokeResult => ({ kind: 'needs-human', why });
export const retryable = (why: string, retryAfterMs?: number): RevokeResult =>
  retryAfterMs === undefined ? { kind: 'retryable', why } : { kind: 'retryable', why, retryAfterMs };

export const deniedTo = (evidence: 'credential-probed' | 'issuer-attested', why: string): ProbeResult => ({
  kind: 'denied',
  why,
  evidence,
});
export const stillAllowed = (why: string): ProbeResult => ({ kind: 'allowed', why });
export const inconclusive = (why: string): ProbeResult => ({ kind: 'inconclusive', why });

/**
 * What an HTTP answer to OUR OWN credential means when it is not the success a connector expected. A 404 is no success either:
 * a wrong id and a missing permission look the same.
 */
export function unexpectedReply(reply: HttpReply, what: string): RevokeResult {
  const { status } = reply;
  if (status === 401 || status === 403) return needsHuman(`${what}: our own credential is refused (${status}).`);
  if (status === 404) return notFound(`${what}: not found (404).`);
  if (status === 429 || status >= 500) return retryable(`${what}: answered ${status}.`, reply.retryAfterMs);
  return retryable(
    `${what}: an answer that means nothing here (${status}, ${reply.contentType === '' ? 'no content type' : reply.contentType}).`,
  );
}

/** A thrown error as the result of a phase. Its words are ours: the text of a foreign error may hold what must not be shown. */
export function revokeResultOf(thrown: unknown): RevokeResult {
  const { code, why, retryAfterMs } = explain(thrown);
  if (code === 'connector-refused' || code === 'address-refused' || code === 'secret-missing') return needsHuman(why);
  return retryable(why, retryAfterMs);
}

export function probeResultOf(thrown: unknown): ProbeResult {
  return inconclusive(explain(thrown).why);
}

export function controlResultOf(thrown: unknown): ControlResult {
  return { kind: 'not-allowed', why: explain(thrown).why };
}

/** The detail of our own errors is written for operators; of anything else only the public title of its code is shown. */
export function explain(thrown: unknown): {
  readonly code: ReturnType<typeof errorCodeOf>;
  readonly why: string;
  readonly retryAfterMs: number | undefined;
} {
  const code = errorCodeOf(thrown);
  const { title } = errorCatalogue[code];
  if (!isEstopError(thrown)) return { code, why: title, retryAfterMs: undefined };
  return { code, why: thrown.detail ?? title, retryAfterMs: thrown.retryAfterMs };
}

function isEstopError(thrown: unknown): thrown is EstopError {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    'name' in thrown &&
    thrown.name === 'EstopError' &&
    'detail' in thrown &&
    errorCodeOf(thrown) !== undefined
  );
}
