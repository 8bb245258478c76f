/** The time as the ledger has it: whoever compares its times with the clock of this process is wrong wherever that is off. */
export interface StoreClock {
  /** Milliseconds since 1970; by the clock of this process until the store has said what it is. */
  now(): number;
  /** How far the clock of this process is ahead of it; undefined until the store has said. */
  aheadMs(): number | undefined;
}

interface Options {
  /** Of a machine that was suspended it stands still: then the next answer mends it. */
  readonly monotonic?: () => number;
  readonly own?: () => number;
}

/** A clock that was set meanwhile is noticed after so long. */
const askEveryMs = 10_000;
/** An answer that took longer says nothing within the second that is told. */
const longestAnswerMs = 1_000;

/** Asks in the background and from memory: nobody waits for it, and a store that is away leaves what it said last going on. */
export function createStoreClock(
  ask: () => Promise<string>,
  { monotonic = () => performance.now(), own = () => Date.now() }: Options = {},
): StoreClock {
  let heard: { readonly at: number; readonly when: number } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  const hear = async (): Promise<void> => {
    const from = monotonic();
    const at = Date.parse(await ask());
    const until = monotonic();
    if (!Number.isNaN(at) && until - from <= longestAnswerMs) heard = { at, when: (from + until) / 2 };
  };
  const told = (): number | undefined => {
    const now = monotonic();
    if (now - askedAt > askEveryMs) {
      askedAt = now;
      hear().catch(() => undefined); // the store is away: what it said last goes on
    }
    return heard === undefined ? undefined : heard.at + now - heard.when;
  };
  return {
    now: () => told() ?? own(),
    aheadMs: () => {
      const at = told();
      return at === undefined ? undefined : own() - at;
    },
  };
}
