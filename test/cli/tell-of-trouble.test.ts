import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { tellOfTrouble } from '../../src/cli/tell-of-trouble.ts';
import { tempFolder } from '../kit/temp-folder.ts';

function follow(): { readonly said: string[]; readonly write: (process: string, entry: object | string) => void } {
  const folder = tempFolder();
  const said: string[] = [];
  writeFileSync(join(folder, 'gateway.log'), `${JSON.stringify({ level: 50, msg: 'of an earlier run' })}\n`);
  const end = tellOfTrouble(folder, (line) => void said.push(line));
  onTestFinished(end);
  const write = (process: string, entry: object | string): void =>
    appendFileSync(
      join(folder, `${process}.log`),
      typeof entry === 'string' ? entry : `${JSON.stringify({ process, ...entry })}\n`,
    );
  return { said, write };
}

it('tells the terminal of what goes wrong, once, and of nothing else', async () => {
  const { said, write } = follow();
  const trouble = {
    level: 40,
    event: 'upstream.undiscovered',
    server: 'bank',
    code: 'secret-missing',
    msg: 'not listed',
  };
  write('gateway', { level: 30, event: 'gateway.ready', msg: 'all is well' });
  write('temporal', '2026-01-01 a line of another program\n{"level": 50, broken\n');
  write('gateway', { ...trouble, task_id: 'task_dev_1' });
  write('gateway', { ...trouble, task_id: 'task_dev_2' });
  write('control-worker', { level: 40, msg: 'Activity failed' });
  write('gateway', { ...trouble, server: '\u001b[2Jmail' });
  await vi.waitFor(() => expect(said).toHaveLength(2), 5_000);
  write('control', { level: 50, msg: 'the last' });
  await vi.waitFor(() => expect(said).toContain('control: the last'), 5_000);
  expect(said).toEqual([
    'gateway: not listed (server bank, code secret-missing, task_id task_dev_1)',
    expect.stringMatching(/^gateway: not listed \(server [^\u001b]+mail, code secret-missing\)$/),
    'control: the last',
  ]);
});

it('tells of a configuration that was read, and of each fault of one that was not', async () => {
  const { said, write } = follow();
  const faults = [{ line: 3, column: 5, where: 'agents.a', message: 'is wrong' }];
  write('control', { level: 50, event: 'config.invalid', faults, msg: 'the old one stays in force' });
  write('gateway', { level: 50, event: 'config.invalid', faults, msg: 'the old one stays in force' });
  await vi.waitFor(() => expect(said).toHaveLength(2), 5_000);
  expect(said[0]).toMatch(/^(control|gateway): the old one stays in force$/);
  expect(said[1]).toBe('  3:5  agents.a is wrong');
  write('control', { level: 30, event: 'config.reloaded', msg: 'it was read' });
  await vi.waitFor(() => expect(said.slice(2)).toEqual(['control: it was read']), 5_000);
});

it('reads no half of a line', async () => {
  const { said, write } = follow();
  const line = `${JSON.stringify({ level: 50, process: 'control', msg: 'in two parts' })}\n`;
  write('control', line.slice(0, 20));
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  write('control', line.slice(20));
  await vi.waitFor(() => expect(said).toEqual(['control: in two parts']), 5_000);
});
