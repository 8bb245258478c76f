import { call, type Store } from './pool.ts';
import { bytesOrUndefined, present } from './row.ts';

/** Of nobody who is known here, or who may not do it. Nothing in it is longer than a line, and no secret is. */
export interface RefusedAttempt {
  /** Which way in: a method of the audit. */
  readonly door: 'api' | 'console' | 'cli' | 'slack' | 'trigger' | 'link' | 'oidc' | 'device' | 'mcp' | 'codec';
  /** Who it was as far as that is known: a name, what the sender's own system calls them, else the address it came from. */
  readonly source: string;
  /** What was tried; a name of ours, not of the sender's. */
  readonly subject: string;
  readonly because: string;
  /** Hash, in hexadecimal, of the secret that was shown. Not kept: the store puts the name in its place, if it knows one. */
  readonly shown?: string;
  /** Why it was refused, if the store knows whose it is, and it has not ended. */
  readonly ifKnown?: string;
}

export type CountedAttempt = RefusedAttempt & { readonly times: number };

/** How often each was seen since this was last said. The store counts them into the minute that it is. */
export async function noteRefusedAttempts(store: Store, seen: readonly CountedAttempt[]): Promise<void> {
  await call(store, 'note_refused_attempts', 'SELECT estop.note_refused_attempts($1)', [JSON.stringify(seen)]);
}

/** Whoever the store knows by a secret, for as long as that is theirs. */
export interface Shower {
  /** What it was made from. */
  readonly basis?: Uint8Array;
}

/** By the hash of what was shown, in hexadecimal; undefined: it was never given out, or has ended. */
export async function whoShows(store: Store, shown: string): Promise<Shower | undefined> {
  const query = "SELECT basis FROM estop.shown_by($1) WHERE ended = ''";
  const [row] = await call(store, 'shown_by', query, [Buffer.from(shown, 'hex')]);
  return row === undefined ? undefined : present({ basis: bytesOrUndefined(row, 'basis') });
}

/** What was seen and is not written yet. */
export interface AttemptCount {
  note(attempt: RefusedAttempt): void;
  isEmpty(): boolean;
  /** All of it, once. */
  take(): readonly CountedAttempt[];
  /** What could not be written. */
  giveBack(taken: readonly CountedAttempt[]): void;
}

/** So many different ones at one door in a minute stand by themselves; whatever else comes is counted as of others. */
const mostOfDoor = 20;
/** And so many secrets that were shown are looked up for each of these. */
const mostShown = 32;
/** And so many wait for a store that is away. */
const mostHeld = 400;
const minuteMs = 60_000;

interface Held {
  readonly attempt: RefusedAttempt;
  /** With no secret, or with more different ones than are looked up. */
  nameless: number;
  readonly shown: Map<string, number>;
}

/** Whoever sends them sends as many as they like, from wherever: what is kept of them does not grow with that. */
export function createAttemptCount(now = () => performance.now()): AttemptCount {
  let held = new Map<string, Held>();
  let minute = 0;
  let known = new Map<string, Set<string>>();
  const bounded = (attempt: RefusedAttempt): RefusedAttempt => {
    const current = Math.floor(now() / minuteMs);
    if (current !== minute) [minute, known] = [current, new Map()];
    const ofDoor = known.get(attempt.door) ?? new Set();
    known.set(attempt.door, ofDoor);
    const key = keyOf(attempt);
    if (ofDoor.has(key)) return attempt;
    if (ofDoor.size >= mostOfDoor || held.size >= mostHeld)
      return { ...attempt, source: 'others', subject: 'various', because: 'various' };
    ofDoor.add(key);
    return attempt;
  };
  const count = ({ shown, ...attempt }: RefusedAttempt, times: number): void => {
    const key = keyOf(attempt);
    const one = held.get(key) ?? { attempt, nameless: 0, shown: new Map<string, number>() };
    held.set(key, one);
    const isLookedUp = shown !== undefined && (one.shown.has(shown) || one.shown.size < mostShown);
    if (isLookedUp) one.shown.set(shown, times + (one.shown.get(shown) ?? 0));
    else one.nameless += times;
  };
  return {
    note: (attempt) => count(bounded(attempt), 1),
    isEmpty: () => held.size === 0,
    take: () => {
      const taken = [...held.values()].flatMap(({ attempt, nameless, shown }) => [
        ...(nameless === 0 ? [] : [{ ...attempt, times: nameless }]),
        ...[...shown].map(([hash, times]) => ({ ...attempt, shown: hash, times })),
      ]);
      held = new Map();
      return taken;
    },
    giveBack: (taken) => {
      for (const { times, ...attempt } of taken) count(attempt, times);
    },
  };
}

const keyOf = ({ door, source, subject, because }: RefusedAttempt): string =>
  JSON.stringify([door, source, subject, because]);
