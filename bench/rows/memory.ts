import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, figure } from '../figure.ts';
import type { Row } from '../row.ts';

/** Proportional set size of every process of an idle installation, from /proc. */
export const memory: Row = {
  name: 'memory',
  needs: 'bed',
  run: async ({ installation }, { quick }): Promise<readonly Figure[]> => {
    await sleep(quick ? 2_000 : 15_000);
    const roots = [
      ...[...installation.processes.values()].map((process) => process.pid()),
      installation.temporal.pid,
      installation.postgres.pid,
    ];
    const all = roots.flatMap((pid) => withDescendants(pid));
    const stop = installation.processes.get('stop')?.pid() ?? 0;
    return [
      figure({
        name: 'idle installation, all processes',
        value: sum(all),
        unit: 'MB',
        rival: 900,
        rivalName: 'limit',
        bar: '< 900 MB',
        holds: (value) => value < 900,
      }),
      figure({
        name: 'stop process',
        value: sum([stop]),
        unit: 'MB',
        rival: 100,
        rivalName: 'limit',
        bar: '< 100 MB',
        holds: (value) => value < 100,
      }),
    ];
  },
};

function sum(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + pssOf(pid), 0);
}

function pssOf(pid: number): number {
  const line = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return Number(line ?? 0) / 1_024;
}

function withDescendants(pid: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
  return [pid, ...children.flatMap(withDescendants)];
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined; // it ended while we looked
  }
}
