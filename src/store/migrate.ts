import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { EstopError } from '../core/errors.ts';
import { sessionOptions } from '../core/session-options.ts';
import { type Migration, readMigrations } from './migration-files.ts';
import { storeError } from './store-error.ts';

export interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  /** Attempts of one migration that could not get its locks in time. */
  readonly attempts?: number;
}

export interface MigrationReport {
  readonly applied: readonly string[];
  readonly version: number;
}

const lockClass = 1163088975;
/** rule: migration-bounded. How long a migration may hold what a latch needs; a stop's patience is 500 ms. */
const holdLimitMs = 400;

/**
 * Brings the store to the newest version. Each migration is one transaction with its own line in estop_migrations; a line whose
 * text has changed since, or that is newer than this program knows, is refused and nothing is touched. Two migrators take turns.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<MigrationReport> {
  const migrations = options.migrations ?? readMigrations();
  const client = new Client({
    connectionString: url,
    application_name: 'estop-migrate',
    options: sessionOptions,
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined); // the statement in flight reports it
  try {
    await client.connect();
    await client.query('SELECT pg_advisory_lock($1, 0)', [lockClass]); // released with the connection
    const done = await readDone(client);
    refuseForeign(done, migrations);
    const inUse = await isInUse(client);
    const applied: string[] = [];
    for (const migration of migrations.slice(done.length)) {
      await applyPatiently(client, url, migration, inUse && touchesLatch(migration), options.attempts ?? 20);
      applied.push(migration.name);
    }
    return { applied, version: migrations.length };
  } catch (thrown) {
    throw storeError(thrown);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** What a latch reads or locks. Matched in the text: a false alarm costs a migration its leisure, a miss costs a stop its promptness. */
export function touchesLatch(migration: Pick<Migration, 'sql'>): boolean {
  return /\b(stops|latch_order|latch_marks)\b/.test(migration.sql);
}

interface DoneMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

async function readDone(client: Client): Promise<readonly DoneMigration[]> {
  await client.query('CREATE SCHEMA IF NOT EXISTS estop');
  await client.query(`CREATE TABLE IF NOT EXISTS estop.estop_migrations (
    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
  const result = await client.query<DoneMigration>(
    'SELECT version, name, checksum FROM estop.estop_migrations ORDER BY version',
  );
  return result.rows;
}

function refuseForeign(done: readonly DoneMigration[], migrations: readonly Migration[]): void {
  for (const line of done) {
    const known = migrations[line.version - 1];
    if (known === undefined)
      throw new EstopError('conflict', {
        detail: `The store holds migration ${line.name}, which is newer than this program: start it with the version that made the store.`,
      });
    if (known.checksum !== line.checksum)
      throw new EstopError('conflict', {
        detail: `Migration ${line.name} was changed after it had been applied: this store was made by another version, which can go on with it. A new one needs a store of its own (estop dev --state <folder>).`,
      });
  }
}

/** A store whose stops table was there before this run may be serving a stop right now. */
async function isInUse(client: Client): Promise<boolean> {
  const result = await client.query<{ found: boolean }>(`SELECT to_regclass('estop.stops') IS NOT NULL AS found`);
  return result.rows[0]?.found === true;
}

async function applyPatiently(
  client: Client,
  url: string,
  migration: Migration,
  limited: boolean,
  attempts: number,
): Promise<void> {
  if (!limited) return apply(client, migration);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await applyLimited(url, migration);
    } catch (thrown) {
      if (attempt >= attempts)
        throw new EstopError('store-unavailable', {
          detail: `migration ${migration.name} could not be done within ${holdLimitMs} ms`,
          cause: thrown,
        });
      await sleep(250);
    }
  }
}

async function apply(client: Client, migration: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(migration.sql);
    await client.query('INSERT INTO estop.estop_migrations (version, name, checksum) VALUES ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.checksum,
    ]);
    await client.query('COMMIT');
  } catch (thrown) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
}

/**
 * A connection of its own, so that cutting it off ends the transaction. The server bounds each wait, each statement and idleness;
 * the whole is bounded by the server where it can be (17 and newer) and by hanging up everywhere.
 */
async function applyLimited(url: string, migration: Migration): Promise<void> {
  const client = new Client({
    connectionString: url,
    application_name: 'estop-migrate',
    options: sessionOptions,
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  const version = await client.query<{ number: number }>(`SELECT current_setting('server_version_num')::int AS number`);
  const limits = [
    'lock_timeout',
    'statement_timeout',
    'idle_in_transaction_session_timeout',
    ...((version.rows[0]?.number ?? 0) >= 170_000 ? ['transaction_timeout'] : []),
  ];
  for (const limit of limits) await client.query(`SET ${limit} = ${holdLimitMs}`);
  const hangUp = setTimeout(() => client.connection.stream.destroy(), holdLimitMs);
  try {
    await apply(client, migration);
  } finally {
    clearTimeout(hangUp);
    await client.end().catch(() => undefined);
  }
}
