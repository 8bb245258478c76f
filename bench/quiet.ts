import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from './cpu.ts';
import type { Dev } from './dev.ts';

const lookMs = 500;
const longestMs = 8_000;
/** Of one core, all parts together; idle they take a third of that. */
const quietShare = 0.2;

/**
 * Until what the rows before left behind is worked off: a stop costs its fan-out CPU for seconds after it was measured. Not for ever, so
 * that an installation that is never quiet is measured as it is.
 */
export async function untilQuiet(installation: Dev): Promise<number> {
  const begun = performance.now();
  const spent = (): number =>
    [...cpuSeconds(installation)].reduce((sum, [part, seconds]) => sum + (part === 'bench' ? 0 : seconds), 0);
  for (let before = spent(); performance.now() - begun < longestMs; ) {
    const from = performance.now();
    await sleep(lookMs);
    const now = spent();
    if (now - before < (quietShare * (performance.now() - from)) / 1_000) break;
    before = now;
  }
  return performance.now() - begun;
}
