import { call, type Store } from './pool.ts';
import { text } from './row.ts';

/** Who has asked to reset this stop so far. Only the fleet's resets are recorded one by one, because they need two. */
export async function resetConsents(store: Store, stopId: string): Promise<readonly string[]> {
  const rows = await call(
    store,
    'reset_consents',
    'SELECT actor FROM estop.reset_consents WHERE stop_id = $1 ORDER BY at, actor',
    [stopId],
  );
  return rows.map((row) => text(row, 'actor'));
}
