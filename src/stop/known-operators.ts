import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../contract/identity.ts';
import { openStore } from '../store/pool.ts';
import {
  createAttemptCount,
  noteRefusedAttempts,
  type RefusedAttempt,
  type Shower,
  whoShows,
} from '../store/refused-attempts.ts';
import { type StopRight, stopRights } from '../store/stop-rights.ts';
import { within } from './within.ts';

/** Who may stop, as the store last said it. Kept in memory, so that it is there while the store is away. */
export interface KnownOperators {
  byHash(hash: Uint8Array): KnownRight | undefined;
  bySignIn(signInId: string): KnownRight | undefined;
  /** It had the right in the life of this process, and lost it, or its time is over. */
  hasLost(signInId: string): boolean;
  /** Milliseconds since the store said so; undefined before the first time. */
  age(): number | undefined;
  /** Somebody who may not stop it tried to. Counted here; the store hears of it when it is next asked, and nobody waits for that. */
  noteRefused(attempt: RefusedAttempt): void;
  /**
   * Whose a secret is that memory does not know, by its hash, and heard anew who may stop, if it is anybody's; undefined where the store
   * does not say so at once.
   */
  ofUnknown(shown: string): Promise<Shower | undefined>;
  close(): Promise<void>;
}

/** What of a right is left at this moment, by the time that has passed here: the clock of the store may be another. */
export interface KnownRight extends Pick<StopRight, 'actor' | 'person' | 'basis'> {
  readonly scopes?: readonly string[];
}

interface Options {
  readonly databaseUrl: string;
  readonly processName: string;
  readonly log: Log;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/** A role that was taken away bites here within this and a little more. */
const everyMs = 1_000;
const retryMs = 500;
const mostLost = 100_000;
/** Whoever sends made-up secrets must not keep the list from being heard. */
const mostAsked = 4;
/** Nor make the store slower for a latch. */
const mostAskedASecond = 20;
const unknownPatienceMs = 250;

/**
 * A stop by somebody whom memory knows waits for nothing of this. Only whom it does not know is asked about, for a moment, before they
 * are refused. On a connection of its own.
 */
export function watchKnownOperators({
  databaseUrl,
  processName,
  log,
  now = () => performance.now(),
}: Options): KnownOperators {
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

  const hear = (rights: readonly StopRight[], askedAt: number): void => {
    const heard = new Map(rights.filter(({ kind }) => kind === 'sign-in').map((right) => [right.id, right]));
    for (const id of bySignIn.keys()) if (!heard.has(id)) lost.add(id);
    for (const id of heard.keys()) lost.delete(id);
    if (lost.size > mostLost) lost = new Set([...lost].slice(-mostLost / 2));
    bySignIn = heard;
    byHash = new Map(rights.map((right) => [keyOf(right.hash), right]));
    heardAt = askedAt;
  };
  /** On one connection: whoever asks later hears later. */
  const listen = async (): Promise<void> => {
    const askedAt = now();
    hear(await stopRights(store), askedAt);
  };
  const age = (): number | undefined => (heardAt === undefined ? undefined : now() - heardAt);
  const left = (right: StopRight | undefined): KnownRight | undefined =>
    right === undefined ? undefined : rightAfter(right, age() ?? 0);
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      let pause = everyMs;
      try {
        await listen();
        isHealthy = true;
        await tellRefused();
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
  const refused = createAttemptCount(now);
  const tellRefused = async (): Promise<void> => {
    if (refused.isEmpty()) return;
    const taken = refused.take();
    await noteRefusedAttempts(store, taken).catch((cause: unknown) => {
      refused.giveBack(taken);
      log.warn({ event: 'audit.late', cause: String(cause) }, 'refused attempts could not be recorded yet');
    });
  };
  let asked = 0;
  let second = { from: 0, asked: 0 };
  const mayAsk = (): boolean => {
    if (asked >= mostAsked || !isHealthy) return false;
    if (now() - second.from >= 1_000) second = { from: now(), asked: 0 };
    return (second.asked += 1) <= mostAskedASecond;
  };
  const ask = async (shown: string): Promise<Shower | undefined> => {
    asked += 1;
    try {
      const shower = await whoShows(store, shown);
      if (shower !== undefined) await listen();
      return shower;
    } finally {
      asked -= 1;
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
    byHash: (hash) => left(byHash.get(keyOf(hash))),
    bySignIn: (signInId) => left(bySignIn.get(signInId)),
    hasLost: (signInId) => lost.has(signInId) || (bySignIn.has(signInId) && left(bySignIn.get(signInId)) === undefined),
    age,
    noteRefused: refused.note,
    ofUnknown: async (shown) => (mayAsk() ? within(unknownPatienceMs, ask(shown)).catch(() => undefined) : undefined),
    close: () => (closed ??= end()),
  };
}

const keyOf = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');

/** Nobody has to be asked for a right to end: what was given for a while is over after that while, and what is theirs anyway stays. */
function rightAfter(right: StopRight, passedMs: number): KnownRight | undefined {
  if (right.lastsMs <= passedMs) return undefined;
  const { actor, person, basis, scopes, wider } = right;
  const rest = { person, ...(basis === undefined ? {} : { basis }) };
  if (wider !== undefined && wider.lastsMs > passedMs) return { ...rest, actor: wider.actor };
  return { ...rest, actor, ...(scopes === undefined ? {} : { scopes }) };
}
