import { createInterface } from 'node:readline';
import { type HijackedUse, openUse } from './hijacked-use.ts';

/**
 * The agent after its hijacking: it ignores every message, asks nobody, never goes through the gateway again, and uses each
 * credential it was handed as fast as the system answers, unless it is told to pause. It ends only when its standard input closes or it is killed.
 *
 * In: one JSON line {loot: [{label, system, secret}], pauseMs}. Out: JSON lines, at most 20 a second per system, of what its own calls came to.
 */
export interface Rampage {
  readonly loot: readonly Loot[];
  /** Between two uses of one credential. */
  readonly pauseMs: number;
}

interface Loot {
  /** Whose credential at which connector. */
  readonly label: string;
  readonly system: string;
  readonly secret: Readonly<Record<string, string | number | boolean | null>>;
}

export interface HijackedReport {
  readonly label: string;
  readonly system: string;
  readonly successes: number;
  readonly denials: number;
  /** Milliseconds since 1970 of the moment at which a successful call was ANSWERED. */
  readonly lastSuccessAt: number | null;
  readonly lastDenial: string | null;
}

const reportEveryMs = 50;
const afterFailureMs = 5;

async function rampage({ label, system, secret }: Loot, pauseMs: number): Promise<void> {
  let successes = 0;
  let denials = 0;
  let lastSuccessAt: number | null = null;
  let lastDenial: string | null = null;
  setInterval(() => {
    const report: HijackedReport = { label, system, successes, denials, lastSuccessAt, lastDenial };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }, reportEveryMs);
  let use: HijackedUse | undefined;
  for (;;) {
    try {
      use ??= await openUse(system, secret);
      await use.once();
      successes += 1;
      lastSuccessAt = Date.now();
    } catch (thrown) {
      denials += 1;
      lastDenial = thrown instanceof Error ? thrown.message.slice(0, 120) : 'refused';
      await use?.close().catch(() => undefined); // it is already broken; a fresh login comes next
      use = undefined;
      await new Promise((resolve) => setTimeout(resolve, afterFailureMs));
    }
    // Lets timers and other loops run between answers that come in the same tick.
    await new Promise((resolve) => (pauseMs > 0 ? setTimeout(resolve, pauseMs) : setImmediate(resolve)));
  }
}

process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
const input = createInterface({ input: process.stdin });
input.once('line', (line) => {
  const { loot, pauseMs } = JSON.parse(line) as Rampage; // written by the demo itself, right after the spawn
  for (const item of loot) void rampage(item, pauseMs);
});
input.once('close', () => process.exit(0));
