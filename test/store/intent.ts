import { expect } from 'vitest';
import { type Intent, mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { type Ledger, newId } from './ledger.ts';

export const secret = new TextEncoder().encode('sealed');

export const intent = (task: TaskRecord, changes: Partial<Intent> = {}): Intent => ({
  grantId: newId('grant'),
  name: 'db',
  taskId: task.taskId,
  connector: 'pg-main',
  target: 'role-1',
  shared: false,
  handle: { role: 'r' },
  epoch: task.epoch,
  lifeMs: 60_000,
  ...changes,
});

export async function issued(l: Ledger, task: TaskRecord, changes: Partial<Intent> = {}): Promise<string> {
  const wanted = intent(task, changes);
  expect((await mintIntend(l.as('estop_trusted'), wanted)).kind).toBe('intended');
  expect(await mintRecheck(l.as('estop_trusted'), wanted.grantId)).toEqual({ kind: 'issue' });
  expect(await mintIssued(l.as('estop_trusted'), wanted.grantId, secret)).toEqual({ kind: 'issued' });
  return wanted.grantId;
}
