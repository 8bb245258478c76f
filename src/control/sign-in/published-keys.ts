import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Log } from '../../contract/identity.ts';
import type { GuardedFetch } from '../../runtime/guarded-fetch.ts';

/** Where an issuer publishes its keys, as it is configured: never what a token says. */
export interface KeySource {
  readonly jwksUri: string;
  readonly network: 'public' | 'private' | 'loopback';
  /** For the log. */
  readonly of: string;
}

/** `no-keys`: nothing can be said of it just now. */
export type Verified = { readonly payload: JWTPayload } | 'no' | 'no-keys';

export interface PublishedKeys {
  verify(jwt: string, source: KeySource, options: JWTVerifyOptions): Promise<Verified>;
}

interface Options {
  readonly fetch: GuardedFetch;
  readonly log: Log;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

interface Source {
  held?: { readonly find: ReturnType<typeof createLocalJWKSet>; readonly at: number };
  askedAt?: number;
  asking?: Promise<void>;
}

/** A key that its issuer has taken away counts for so long at most. */
const freshMs = 60_000;
/** An issuer that is down does not lock its services out for so long. */
const staleMs = 24 * 3_600_000;
/** So often an issuer is asked at most, whatever anybody sends here: a new key counts after so long. */
const betweenMs = 2_000;

/**
 * Keys are fetched when they are older than a minute, and when a token names one that is not among them. How often that is, nobody
 * decides who sends tokens: an address is asked by one request at a time, and not again for two seconds, also if it did not answer.
 */
export function createPublishedKeys({ fetch, log, now = () => performance.now() }: Options): PublishedKeys {
  const sources = new Map<string, Source>();
  const load = async ({ jwksUri, network, of }: KeySource, source: Source): Promise<void> => {
    try {
      const reply = await fetch(jwksUri, { method: 'GET', headers: { accept: 'application/json' }, network });
      if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
      const set = (await reply.json()) as JSONWebKeySet; // createLocalJWKSet looks at its shape
      source.held = { find: createLocalJWKSet(set), at: now() };
    } catch (thrown) {
      log.warn({ event: 'sign-in.keys', of, cause: String(thrown) }, 'the keys of an issuer cannot be read');
    }
  };
  const keysOf = async (from: KeySource, isUnknown: boolean): Promise<Source['held']> => {
    const source = sources.get(from.jwksUri) ?? {};
    sources.set(from.jwksUri, source);
    const isOld = source.held === undefined || now() - source.held.at > freshMs;
    if (isOld || isUnknown) {
      if (source.asking === undefined && now() - (source.askedAt ?? -betweenMs) >= betweenMs) {
        source.askedAt = now();
        source.asking = load(from, source).finally(() => delete source.asking);
      }
      await source.asking;
    }
    return source.held !== undefined && now() - source.held.at < staleMs ? source.held : undefined;
  };
  return {
    verify: async (jwt, from, options) => {
      for (const isSecond of [false, true]) {
        const held = await keysOf(from, isSecond);
        if (held === undefined) return 'no-keys';
        try {
          return { payload: (await jwtVerify(jwt, held.find, options)).payload };
        } catch (thrown) {
          const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
          if (code !== 'ERR_JWKS_NO_MATCHING_KEY') return 'no';
        }
      }
      return 'no';
    },
  };
}
