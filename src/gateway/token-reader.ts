import { hash } from 'node:crypto';
import type { TaskTokenVerifier, TokenTimes, TokenVerdict } from '../contract/identity.ts';
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
  readonly #clockAheadMs: () => number;
  readonly #seen = new Map<string, Seen>();
  /** Of the last token that was refused for its time, and is good by the store's clock. */
  #refused: TokenTimes | undefined;

  /** @param clockAheadMs how far this clock is ahead of the store's */
  constructor(verifier: TaskTokenVerifier, clock: Clock, clockAheadMs: () => number = () => 0) {
    this.#verifier = verifier;
    this.#clock = clock;
    this.#clockAheadMs = clockAheadMs;
  }

  /**
   * A token of ours was refused for its time, which by the store's clock is now, and none was taken since: whatever is shown here is refused,
   * and it is this clock that is off. A clock that is off and takes tokens all the same is none of it, nor is a token that is over. Only
   * for as long as that token would be refused: whom a balancer sends nobody any more is shown no other.
   */
  get refusesByClock(): boolean {
    if (this.#refused === undefined || Math.abs(this.#clockAheadMs()) <= toleranceMs) return false;
    const { wall } = this.#clock();
    const { issuedAt, expiresAt } = this.#refused;
    return this.#isNowInStore(this.#refused) && (wall + toleranceMs < issuedAt || expiresAt <= wall);
  }

  read(authorization: string | undefined): TokenVerdict | Promise<TokenVerdict> {
    const token = bearer.exec(authorization ?? '')?.[1];
    if (token === undefined) return { ok: false, code: 'unauthenticated' };
    const key = hash('sha256', token, 'base64url');
    const seen = this.#seen.get(key);
    if (seen === undefined) return this.#verify(key, token);
    const { mono, wall } = this.#clock();
    const { expiresAt } = seen.verdict.claims;
    if (wall >= expiresAt + toleranceMs) seen.overAt = mono;
    if (mono >= seen.overAt) this.#noteTimes({ issuedAt: Number.NEGATIVE_INFINITY, expiresAt });
    if (mono >= seen.overAt) return { ok: false, code: 'unauthenticated' };
    if (mono >= seen.checkedUntil) return this.#verify(key, token);
    this.#refused = undefined;
    return seen.verdict;
  }

  async #verify(key: string, token: string): Promise<TokenVerdict> {
    const verdict = await this.#verifier.verify(token);
    const before = this.#seen.get(key);
    if (!verdict.ok) {
      if (verdict.times !== undefined) this.#noteTimes(verdict.times);
      if (before !== undefined) this.#seen.set(key, { ...before, checkedUntil: Number.NEGATIVE_INFINITY });
      return verdict;
    }
    if (this.#seen.size >= mostCached) this.#seen.clear();
    const { mono, wall } = this.#clock();
    const leftMs = verdict.claims.expiresAt - wall;
    // Verified again after the clock was set back, it lives no longer than it had to live.
    const overAt = Math.min(before?.overAt ?? Number.POSITIVE_INFINITY, mono + leftMs + toleranceMs);
    this.#seen.set(key, { verdict, checkedUntil: mono + Math.min(leftMs, cacheForMs), overAt });
    this.#refused = undefined;
    return verdict;
  }

  #noteTimes(times: TokenTimes): void {
    if (this.#isNowInStore(times)) this.#refused = times;
  }

  #isNowInStore({ issuedAt, expiresAt }: TokenTimes): boolean {
    const storeNow = this.#clock().wall - this.#clockAheadMs();
    return issuedAt <= storeNow + toleranceMs && storeNow < expiresAt;
  }
}
