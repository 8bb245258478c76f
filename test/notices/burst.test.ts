import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import type { NotificationsSpec } from '../../src/contract/notifications.ts';
import { noticeRound } from '../../src/workers/relay/notice-round.ts';
import { createDatabase } from '../kit/postgres.ts';
import { makeLedger, newName, stop } from '../store/ledger.ts';
import { pager, spec } from './telling.ts';

it('the twenty-first stop within a minute raises one alarm that names who orders them, while nobody can be told yet; all are latched', async () => {
  const ledger = await makeLedger(createDatabase);
  const errors: unknown[] = [];
  const silent = () => undefined;
  const { crowd: _, ...others } = spec({ endpoints: [pager('http://127.0.0.1:1')] });
  const round = noticeRound({
    store: ledger.as('estop_revoker'),
    client: {} as Client, // nothing is asked of it: this is not our Temporal
    requireOwn: () => Promise.reject(new Error('not ours')),
    // As a file that says nothing of a crowd is read (test/config/response.test.ts).
    notifications: (): NotificationsSpec => ({ ...others, crowd: { stops: 20, withinMs: 60_000 } }),
    log: { debug: silent, info: silent, warn: silent, error: (fields) => void errors.push(fields) },
  });
  const alarms = () => ledger.sql("SELECT quiet, facts FROM estop.notices WHERE event = 'stop.burst'");
  const order = () => stop(ledger, `tool:mail/${newName('send')}`);
  const look = () => round.run().catch(() => 0);
  for (let nth = 0; nth < 20; nth += 1) await order();
  await look();
  expect([await alarms(), errors]).toEqual([[], []]);
  await order();
  await look();
  await look();
  expect(await alarms()).toEqual([
    { quiet: null, facts: expect.objectContaining({ stops: 21, withinMs: 60_000, actors: ['olga'] }) },
  ]);
  expect(errors).toContainEqual(expect.objectContaining({ event: 'stop.burst' }));
  const [row] = await ledger.sql('SELECT count(*)::int AS n FROM estop.stops WHERE reset_at IS NULL');
  expect(row?.['n']).toBe(21);
});
