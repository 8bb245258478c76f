import { type Bucket, createBucket, type Size } from './bucket.ts';

export interface DoorSizes {
  /** Of one source. */
  readonly each: Size;
  /** Of all of them together. */
  readonly together: Size;
  /** Of all of them together once that is used up, for those that have hardly asked for anything. */
  readonly reserve: Size;
}

export interface Door {
  /** False: not now. */
  pass(source: string): boolean;
  /** Somebody has signed in from there: what others do does not keep them out. */
  welcome(source: string): void;
}

/** How often a source may ask for some of the reserve: a person who tries, and tries again. Whoever floods has soon asked too often. */
const gently: Size = { atOnce: 3, perSecond: 1 / 120 };
const mostSources = 5_000;
const mostKnown = 1_000;

/**
 * For doors that nobody has to prove anything at, and behind which somebody else's server is asked. Whoever floods is kept out by the
 * bound of their own source; a flood from many sources by that of all together, which does not count for those from where somebody has
 * signed in before, and leaves the reserve to those that ask for little. Of too many sources the one that has not come for the longest
 * time is forgotten: then it counts as new, and the bounds of all together hold as before.
 * In the memory of this process: of two, each lets that many in. Not protected: hundreds of sources that each ask for little keep out
 * who comes from where nobody has ever signed in. Nothing that stops anything passes here.
 */
export function createDoor({ each, together, reserve }: DoorSizes, now = () => performance.now()): Door {
  const sources = new Map<string, { readonly own: Bucket; readonly gentle: Bucket }>();
  const known = new Map<string, true>();
  const ofAll = createBucket(together, now);
  const kept = createBucket(reserve, now);
  const sourceOf = (source: string) => {
    const held = sources.get(source) ?? { own: createBucket(each, now), gentle: createBucket(gently, now) };
    putNewest(sources, source, held, mostSources);
    return held;
  };
  return {
    pass: (source) => {
      const { own, gentle } = sourceOf(source);
      // What its own bound refuses takes nothing from the others, and what theirs refuses takes nothing from its own.
      if (!own.holds()) return false;
      const isLet = known.has(source) || ofAll.take() || (gentle.take() && kept.take());
      return isLet && own.take();
    },
    welcome: (source) => putNewest(known, source, true, mostKnown),
  };
}

function putNewest<Value>(held: Map<string, Value>, key: string, value: Value, most: number): void {
  held.delete(key);
  if (held.size >= most) held.delete(held.keys().next().value ?? '');
  held.set(key, value);
}
