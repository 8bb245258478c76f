import { readMigrations } from './migration-files.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, text } from './row.ts';

/** What an operator wants to know of the store itself, and what would weaken its promises. */
export interface StoreFacts {
  readonly version: string;
  readonly now: string;
  readonly migrations: number;
  /** That this program has. */
  readonly migrationsWanted: number;
  readonly fsync: boolean;
  readonly fullPageWrites: boolean;
  readonly synchronousCommit: string;
  /** A commit waits for one of these; empty: for none. */
  readonly synchronousStandbys: string;
  readonly isReplica: boolean;
  readonly beatAgeMs: number;
  readonly drainAgeMs: number;
  readonly gateways: readonly GatewayLease[];
}

export interface GatewayLease {
  readonly gatewayId: string;
  readonly address: string;
  /** Until its lease runs out; below zero: since it has. */
  readonly leaseMs: number;
  readonly confirmedEpoch: number;
}

const never = 2_147_483_647;

// What is of the future was left before the clock of the store went back, and says nothing of now: no gateway goes by it either.

export async function storeFacts(store: Store): Promise<StoreFacts> {
  const row = await callOne(
    store,
    'store_facts',
    `SELECT current_setting('server_version') AS version, clock_timestamp() AS now, current_setting('fsync') = 'on' AS fsync,
       current_setting('full_page_writes') = 'on' AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('synchronous_standby_names') AS standbys, pg_is_in_recovery() AS replica,
       (SELECT count(*) FROM estop.estop_migrations)::int AS migrations,
       least($1, coalesce((SELECT extract(epoch FROM clock_timestamp() - max(beat_at)) * 1000 FROM estop.latch_marks WHERE beat_at <= clock_timestamp()), $1))::int AS beat_age,
       least($1, coalesce((SELECT extract(epoch FROM clock_timestamp() - max(begun_at)) * 1000 FROM estop.intake_drains WHERE begun_at <= clock_timestamp()), $1))::int AS drain_age`,
    [never],
  );
  const gateways = await call(
    store,
    'store_facts_gateways',
    `SELECT gateway_id, address, confirmed_epoch, greatest(-$1::int, extract(epoch FROM lease_until - clock_timestamp()) * 1000)::int AS lease_ms
     FROM estop.gateways WHERE retired_at IS NULL ORDER BY lease_until DESC LIMIT 200`,
    [never],
  );
  return {
    version: text(row, 'version'),
    now: text(row, 'now'),
    migrations: int(row, 'migrations'),
    migrationsWanted: readMigrations().length,
    fsync: bool(row, 'fsync'),
    fullPageWrites: bool(row, 'full_page_writes'),
    synchronousCommit: text(row, 'synchronous_commit'),
    synchronousStandbys: text(row, 'standbys'),
    isReplica: bool(row, 'replica'),
    beatAgeMs: int(row, 'beat_age'),
    drainAgeMs: int(row, 'drain_age'),
    gateways: gateways.map((one) => ({
      gatewayId: text(one, 'gateway_id'),
      address: text(one, 'address'),
      leaseMs: int(one, 'lease_ms'),
      confirmedEpoch: int(one, 'confirmed_epoch'),
    })),
  };
}

/** How many hold a lease; no more than so many are counted. */
export async function liveGateways(store: Store, most: number): Promise<number> {
  const query =
    'SELECT count(*)::int AS n FROM (SELECT 1 FROM estop.gateways WHERE retired_at IS NULL AND lease_until > clock_timestamp() LIMIT $1) AS one';
  return int(await callOne(store, 'live_gateways', query, [most]), 'n');
}
