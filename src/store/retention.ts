import { callOne, type Store } from './pool.ts';
import { int } from './row.ts';

export interface Retention {
  readonly olderMs: number;
  /** Of each kind of row in one batch. */
  readonly atMost: number;
}

/**
 * One batch of old calls, phases, ended grants and retired gateways to which no open stop refers. Returns the size of the largest
 * kind: as large as `atMost`, there may be more.
 */
export async function pruneRows(store: Store, { olderMs, atMost }: Retention): Promise<number> {
  return int(
    await callOne(store, 'prune_rows', 'SELECT estop.prune_rows($1, $2) AS pruned', [olderMs, atMost]),
    'pruned',
  );
}
