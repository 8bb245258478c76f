import { callOne, type Store } from './pool.ts';
import { int, text } from './row.ts';

export interface StoreIdentity {
  readonly environment: string;
  readonly storeId: string;
}

/** Which environment and which store this is: a process compares the first with its own settings before it does anything. */
export async function storeIdentity(store: Store): Promise<StoreIdentity> {
  const row = await callOne(
    store,
    'installation',
    'SELECT environment, store_id::text AS store_id FROM estop.installation',
    [],
  );
  return { environment: text(row, 'environment'), storeId: text(row, 'store_id') };
}

/** This database's time. What is compared with the ledger's times is taken from its clock, never from ours. */
export async function storeNow(store: Store): Promise<string> {
  return text(await callOne(store, 'now', 'SELECT clock_timestamp() AS at', []), 'at');
}

export async function currentEpoch(store: Store): Promise<number> {
  return int(await callOne(store, 'current_epoch', 'SELECT estop.current_epoch() AS epoch', []), 'epoch');
}
