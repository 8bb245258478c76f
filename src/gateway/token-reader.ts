import { hash } from 'node:crypto';
import type { TaskTokenVerifier, TokenVerdict } from '../contract/identity.ts';
import type { Clock } from './fence/clock.ts';

const cacheForMs = 60_000;
/** As the verifier forgives. */
const toleranceMs = 5_000;
const mostCached = 20_000;
const bearer = /^bearer ([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2})$/i;

interface Seen {
  readonly verdict: Extract<TokenVerdict, { ok: true }>;
  /** Of the monotonic clock: until when the signature need not be checked again, and when the token is over whatever the other says. */
  readonly checkedUntil: number;
  overAt: number;
}

/**
 * Reads the Authorization header. A signature is checked once a minute per token, not per call; the text is remembered by its
 * hash alone and only if it was good, so that what is remembered can let nothing in that was not verified. A signing key that
 * is withdrawn is therefore honoured for a minute more; a stop needs no such thing, it is asked for on every call. What was seen to be
 * over stays over, though the clock of this machine be set back.
 */
export class TokenReader {
  readonly #verifier: TaskTokenVerifier;
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(verifier: TaskTokenVerifier, clock: Clock) {
    this.#verifier = verifier;
    this.#clock = clock;
  }

  read(authorization: string | undefined): TokenVerdict | Promise<TokenVerdict> {
    const token = bearer.exec(authorization ?? '')?.[1];
    if (token === undefined) return { ok: false, code: 'unauthenticated' };
    const key = hash('sha256', token, 'base64url');
    const seen = this.#seen.get(key);
    if (seen === undefined) return this.#verify(key, token);
    const { mono, wall } = this.#clock();
    if (wall >= seen.verdict.claims.expiresAt + toleranceMs) seen.overAt = mono;
    if (mono >= seen.overAt) return { ok: false, code: 'unauthenticated' };
    return mono < seen.checkedUntil ? seen.verdict : this.#verify(key, token);
  }

  async #verify(key: string, token: string): Promise<TokenVerdict> {
    const verdict = await this.#verifier.verify(token);
    const before = this.#seen.get(key);
    if (!verdict.ok) {
      if (before !== undefined) this.#seen.set(key, { ...before, checkedUntil: Number.NEGATIVE_INFINITY });
      return verdict;
    }
    if (this.#seen.size >= mostCached) this.#seen.clear();
    const { mono, wall } = this.#clock();
    const leftMs = verdict.claims.expiresAt - wall;
    // Verified again after the clock was set back, it lives no longer than it had to live.
    const overAt = Math.min(before?.overAt ?? Number.POSITIVE_INFINITY, mono + leftMs + toleranceMs);
    this.#seen.set(key, { verdict, checkedUntil: mono + Math.min(leftMs, cacheForMs), overAt });
    return verdict;
  }
}
