import type { ScheduledDrill } from '../contract/config.ts';
import { call, callOne, type Store } from './pool.ts';
import { int, text, word } from './row.ts';

/** Those of the schedule that were not tried for as long as it says. */
export async function dueDrills(store: Store, schedule: readonly ScheduledDrill[]): Promise<readonly ScheduledDrill[]> {
  const sql = `SELECT s.connector, s.every_ms FROM unnest($1::text[], $2::bigint[]) AS s(connector, every_ms)
    WHERE estop.drill_is_due(s.connector, s.every_ms)`;
  const values = [schedule.map(({ connectorId }) => connectorId), schedule.map(({ everyMs }) => everyMs)];
  return (await call(store, 'due_drills', sql, values)).map((row) => ({
    connectorId: text(row, 'connector'),
    everyMs: int(row, 'every_ms'),
  }));
}

/** `stopped`: a stop is in force that covers it. `later`: one is being worked off, or enough others are under way. */
export async function askDueDrill(
  store: Store,
  { taskId, connectorId, everyMs }: ScheduledDrill & { readonly taskId: string },
): Promise<'asked' | 'not-due' | 'stopped' | 'later'> {
  const values = [taskId, connectorId, everyMs];
  const row = await callOne(store, 'ask_due_drill', 'SELECT estop.ask_due_drill($1, $2, $3) AS outcome', values);
  return word(row, 'outcome', ['asked', 'not-due', 'stopped', 'later'] as const);
}

/** One batch of what is over and older; returns how many. */
export async function pruneDrills(store: Store, olderMs: number, atMost: number): Promise<number> {
  const sql = 'SELECT estop.prune_drills($1, $2) AS pruned';
  return int(await callOne(store, 'prune_drills', sql, [olderMs, atMost]), 'pruned');
}
