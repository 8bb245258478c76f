import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bounds the queue that a system which does not keep up would collect, and after which nothing else could be measured. */
export const openAtMost = 32;

/** An open loop: the next is due when it is due, whether or not those before it were answered. Resolves with how many were left out. */
export async function paced(
  perSecond: number,
  work: () => Promise<void>,
  onError: () => void,
  ended: AbortSignal,
): Promise<number> {
  const open = new Set<Promise<void>>();
  const begun = performance.now();
  let skipped = 0;
  for (let due = 0; !ended.aborted; due += 1) {
    const one: Promise<void> = work()
      .catch(onError)
      .finally(() => open.delete(one));
    open.add(one);
    await sleep(Math.max(0, begun + ((due + 1) * 1_000) / perSecond - performance.now()));
    while (open.size >= openAtMost) await Promise.race(open);
    // What became due meanwhile is left out, or it would come as one burst.
    const late = Math.max(0, Math.floor(((performance.now() - begun) / 1_000) * perSecond) - due - openAtMost);
    skipped += late;
    due += late;
  }
  await Promise.all(open);
  return skipped;
}
