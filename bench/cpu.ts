import { readdirSync, readFileSync } from 'node:fs';
import { type Dev, partNames } from './dev.ts';

/** CPU seconds by part since the start of each. On a machine that others use, these say more than the clock. */
export function cpuSeconds(
  { pidOf, postgres }: Dev,
  others: Readonly<Record<string, number>> = {},
): ReadonlyMap<string, number> {
  const stats = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(name) ?? []) : []));
  const of = (pid: number): number => stats.find((stat) => stat.pid === pid)?.seconds ?? 0;
  return new Map([
    ...partNames.map((name) => [name, of(pidOf(name))] as const),
    // A backend that ended is missing here; those of pools stay.
    ['store', stats.reduce((sum, stat) => sum + (stat.parent === postgres.pid ? stat.seconds : 0), 0)],
    ['bench', of(process.pid)],
    ...Object.entries(others).map(([name, pid]) => [name, of(pid)] as const),
  ]);
}

export function cpuLine(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  const spent = [...after].map(([name, seconds]) => `${name} ${(seconds - (before.get(name) ?? 0)).toFixed(2)}`);
  return `CPU seconds: ${spent.join(', ')}`;
}

const ticksPerSecond = 100;

function statOf(pid: string): { readonly pid: number; readonly parent: number; readonly seconds: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from `state`, the third field, on
    const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
    return { pid: Number(pid), parent: parent ?? 0, seconds: ((user ?? 0) + (system ?? 0)) / ticksPerSecond };
  } catch {
    return undefined; // it ended while we looked
  }
}
