import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../contract/identity.ts';
import { openStore } from '../store/pool.ts';
import { type StopRight, stopRights } from '../store/stop-rights.ts';

/** Who may stop, as the store last said it. Kept in memory, so that it is there while the store is away. */
export interface KnownOperators {
  byHash(hash: Uint8Array): StopRight | undefined;
  bySignIn(signInId: string): StopRight | undefined;
  /** It had the right in the life of this process, and lost it. */
  hasLost(signInId: string): boolean;
  /** Milliseconds since the store said so; undefined before the first time. */
  age(): number | undefined;
  close(): Promise<void>;
}

interface Options {
  readonly databaseUrl: string;
  readonly processName: string;
  readonly log: Log;
}

/** A role that was taken away bites here within this and a little more. */
const everyMs = 1_000;
const retryMs = 500;
const mostLost = 100_000;

/** Nothing waits for it, and a stop never asks the store who somebody is. On a connection of its own. */
export function watchKnownOperators({ databaseUrl, processName, log }: Options): KnownOperators {
  const store = openStore({
    url: databaseUrl,
    applicationName: `${processName}-people`,
    max: 1,
    connectTimeoutMs: 2_000,
    queryTimeoutMs: 2_000,
  });
  const closing = new AbortController();
  let byHash = new Map<string, StopRight>();
  let bySignIn = new Map<string, StopRight>();
  let lost = new Set<string>();
  let heardAt: number | undefined;
  let isHealthy = true;

  const hear = (rights: readonly StopRight[]): void => {
    const now = new Map(rights.filter(({ kind }) => kind === 'sign-in').map((right) => [right.id, right]));
    for (const id of bySignIn.keys()) if (!now.has(id)) lost.add(id);
    for (const id of now.keys()) lost.delete(id);
    if (lost.size > mostLost) lost = new Set([...lost].slice(-mostLost / 2));
    bySignIn = now;
    byHash = new Map(rights.map((right) => [keyOf(right.hash), right]));
    heardAt = performance.now();
  };
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      let pause = everyMs;
      try {
        hear(await stopRights(store));
        isHealthy = true;
      } catch (cause) {
        if (isHealthy)
          log.warn(
            { event: 'people.not-heard', cause: String(cause) },
            'the store does not say who may stop; what it said last stays',
          );
        isHealthy = false;
        pause = retryMs;
      }
      await sleep(pause, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };
  const running = run();
  let closed: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    closing.abort();
    await store.end();
    await running;
  };
  return {
    byHash: (hash) => byHash.get(keyOf(hash)),
    bySignIn: (signInId) => bySignIn.get(signInId),
    hasLost: (signInId) => lost.has(signInId),
    age: () => (heardAt === undefined ? undefined : performance.now() - heardAt),
    close: () => (closed ??= end()),
  };
}

const keyOf = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
