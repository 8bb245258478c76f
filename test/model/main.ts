/**
 * `npm run model`: runs the cases, prints one line each, and exits 1 unless every one came out as cases.ts expects.
 *
 *   npm run model                 all but the slow ones
 *   npm run model -- --all        the slow ones too
 *   npm run model -- a2 M_SPLIT   those whose id contains every word
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cases, type ModelCase } from './cases.ts';
import { checkCase, type Verdict } from './check-case.ts';

const limits = {
  modelFolder: import.meta.dirname,
  outFolder: join(import.meta.dirname, 'out'),
  seconds: 600,
  megabytes: 6000,
};

function needTools(): void {
  for (const [tool, flag] of [
    ['spin', '-V'],
    ['gcc', '--version'],
  ] as const) {
    try {
      execFileSync(tool, [flag], { stdio: 'ignore' });
    } catch {
      console.error(`The models need ${tool}. On Debian: apt-get install spin gcc`);
      process.exit(2);
    }
  }
}

function selected(words: readonly string[]): readonly ModelCase[] {
  const filters = words.filter((word) => !word.startsWith('--'));
  if (filters.length > 0) return cases.filter((one) => filters.every((word) => one.id.includes(word)));
  return words.includes('--all') ? cases : cases.filter((one) => !one.slow);
}

function line(one: ModelCase, verdict: Verdict): string {
  const mark = verdict.got === one.expect ? 'ok ' : 'BAD';
  const figures = `${verdict.states.padStart(9)} states ${verdict.seconds.toFixed(1).padStart(6)} s`;
  return `${mark} ${one.id.padEnd(46)} expected ${one.expect}  got ${verdict.got.padEnd(9)} ${figures}  ${verdict.why.slice(0, 60)}`;
}

needTools();
const queue = selected(process.argv.slice(2)).toSorted((a, b) => b.effort - a.effort);
if (queue.length === 0) {
  console.error('No case has that id.');
  process.exit(2);
}
const total = queue.length;
let bad = 0;

async function worker(): Promise<void> {
  for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
    const verdict = await checkCase(one, limits);
    if (verdict.got !== one.expect) bad += 1;
    console.log(line(one, verdict));
  }
}

// Two at a time at most: one case may take gigabytes.
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
console.log(`${total - bad} of ${total} as expected`);
process.exitCode = bad === 0 ? 0 : 1;
