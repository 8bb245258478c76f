import { setTimeout as sleep } from 'node:timers/promises';

interface Patience {
  readonly what?: string;
  readonly patienceMs: number;
  readonly firstMs?: number;
  readonly longestMs: number;
}

/** Looks ever more seldom: where everything runs on two cores, what is looked at needs the time more than whoever looks. */
export async function lookUntil<Value>(
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  { what = 'what was waited for', patienceMs, firstMs = 20, longestMs }: Patience,
): Promise<Value> {
  const begun = performance.now();
  for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * 1.3, longestMs)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - begun > patienceMs) throw new Error(`waited ${patienceMs / 1_000} s for ${what}`);
    await sleep(pauseMs);
  }
}
