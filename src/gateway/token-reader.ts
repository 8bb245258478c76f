import { hash } from 'node:crypto';
import type { TaskTokenVerifier, TokenVerdict } from '../contract/identity.ts';

const cacheForMs = 60_000;
const mostCached = 20_000;
const bearer = /^bearer ([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2})$/i;

/**
 * Reads the Authorization header. A signature is checked once a minute per token, not per call; the text is remembered by its
 * hash alone and only if it was good, so that what is remembered can let nothing in that was not verified. A signing key that
 * is withdrawn is therefore honoured for a minute more; a stop needs no such thing, it is asked for on every call.
 */
export class TokenReader {
  readonly #verifier: TaskTokenVerifier;
  readonly #now: () => number;
  readonly #good = new Map<string, { readonly verdict: Extract<TokenVerdict, { ok: true }>; readonly until: number }>();

  constructor(verifier: TaskTokenVerifier, now: () => number) {
    this.#verifier = verifier;
    this.#now = now;
  }

  read(authorization: string | undefined): TokenVerdict | Promise<TokenVerdict> {
    const token = bearer.exec(authorization ?? '')?.[1];
    if (token === undefined) return { ok: false, code: 'unauthenticated' };
    const key = hash('sha256', token, 'base64url');
    const cached = this.#good.get(key);
    if (cached !== undefined && this.#now() < cached.until) return cached.verdict;
    return this.#verify(key, token);
  }

  async #verify(key: string, token: string): Promise<TokenVerdict> {
    this.#good.delete(key);
    const verdict = await this.#verifier.verify(token);
    if (!verdict.ok) return verdict;
    if (this.#good.size >= mostCached) this.#good.clear();
    this.#good.set(key, { verdict, until: Math.min(verdict.claims.expiresAt, this.#now() + cacheForMs) });
    return verdict;
  }
}
