import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { muteNotices } from '../examples/demo/mute-notices.ts';
import { type Bed, startBed } from './bed.ts';
import type { Figure } from './figure.ts';
import type { Row } from './row.ts';
import { rows } from './rows/index.ts';
import { tableOf } from './table.ts';

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
if (positionals[0] === 'efficacy') process.exit((await import('./efficacy/efficacy.ts')).efficacy());
const unknown = positionals.filter((name) => !rows.some((row) => row.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no row is called ${unknown.join(', ')}; there are: ${rows.map((row) => row.name).join(', ')}\n`,
  );
  process.exit(2);
}
// Not once: a second one on the heels of the first would kill us before we have told our systems.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
muteNotices();

const since = (): string => `${(performance.now() / 1_000).toFixed(1)} s`.padStart(8);
const say = (line: string): void => void process.stderr.write(`bench: ${since()}  ${line}\n`);
const chosen = rows.filter((row) => positionals.length === 0 || positionals.includes(row.name));
const figures: Figure[] = [];
let bed: Bed | undefined;
let broken = false;
let rest: Promise<void> = Promise.resolve();
const options = {
  quick: values.quick,
  say,
  alone: () => rest,
  leave: (work: Promise<void>): void => {
    rest = Promise.all([rest, work.catch(fail)]).then(() => undefined);
  },
};

function fail(thrown: unknown): void {
  broken = true;
  say(`failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
}

async function measure(row: Row): Promise<readonly Figure[]> {
  if (row.needs === 'nothing') {
    const last = bed;
    bed = undefined;
    if (last !== undefined) options.leave(rest.then(() => last.stop()));
    return row.run(options);
  }
  bed ??= await startBed();
  if (row.setsUp !== true) await rest;
  return row.run(bed, options);
}

/** What hangs goes on behind our back: so it loses its system, and the rows after it get another one. */
async function measureWithin(row: Row, limitMs: number): Promise<readonly Figure[]> {
  const limit = new AbortController();
  const late = sleep(limitMs, undefined, { signal: limit.signal }).then(() => {
    const last = bed;
    bed = undefined;
    if (last !== undefined) options.leave(last.stop());
    throw new Error(`${row.name} was not over after ${limitMs / 60_000} minutes`);
  });
  try {
    return await Promise.race([measure(row), late]);
  } finally {
    limit.abort();
    late.catch(() => undefined); // told by the race, or not over the limit at all
  }
}

for (const row of chosen) {
  say(row.name);
  const begun = performance.now();
  try {
    figures.push(...(await measureWithin(row, (values.quick ? 10 : 60) * 60_000)));
  } catch (thrown) {
    fail(thrown);
  }
  say(`${row.name} took ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
}
await rest; // what comes of it is part of the rows; it may need the bed

process.stdout.write(tableOf(figures));
if (values.json) {
  process.stdout.write(
    `${JSON.stringify({ rows: figures.map(({ name, value, rival, ratio, bar, holds }) => ({ name, value, rival, ratio, bar, holds })) })}\n`,
  );
}
await bed?.stop().catch(fail);
process.exit(broken || figures.some((item) => !item.holds) ? 1 : 0);
