import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { hasSqlState } from '../../src/connectors/postgres/sql-error.ts';
import { createDatabase, type TestDatabase } from '../kit/postgres.ts';
import type { PostgresVersion } from '../kit/run-postgres.ts';

/** A database with an administrator for the connector: no superuser, only what production would give it. */
export interface PostgresTarget {
  readonly database: TestDatabase;
  readonly host: string;
  readonly port: number;
  readonly admin: { readonly user: string; readonly password: string };
  /** A group role that may write to `calls`; the administrator can hand out membership. */
  readonly group: string;
  /** As superuser, straight at the server. */
  sql<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** A new connection as the agent, straight at the server. */
  connectAs(secret: GrantSecret, databaseName?: string): Promise<Client>;
  stop(): Promise<void>;
}

export async function startPostgresTarget(version: PostgresVersion): Promise<PostgresTarget> {
  const database = await createDatabase('empty', version);
  const url = new URL(database.url);
  const superuser = new Client({ connectionString: database.url });
  superuser.on('error', () => undefined);
  await superuser.connect();
  const suffix = randomBytes(5).toString('hex');
  const admin = { user: `target_admin_${suffix}`, password: randomBytes(18).toString('base64url') };
  // A group of a hostile name: whatever the connector does with it must be quoted.
  const group = `app "rw"; DROP TABLE calls; -- ${suffix}`;
  await superuser.query(`CREATE ROLE ${admin.user} LOGIN CREATEROLE PASSWORD '${admin.password}'`);
  await superuser.query(`GRANT pg_signal_backend TO ${admin.user}`);
  await superuser.query(`CREATE ROLE ${superuser.escapeIdentifier(group)} NOLOGIN`);
  await superuser.query(`GRANT ${superuser.escapeIdentifier(group)} TO ${admin.user} WITH ADMIN OPTION`);
  await superuser.query(
    'CREATE TABLE calls (at timestamptz NOT NULL DEFAULT clock_timestamp(), who name NOT NULL DEFAULT session_user)',
  );
  await superuser.query(`GRANT INSERT ON calls TO ${superuser.escapeIdentifier(group)}`);
  await superuser.query('CREATE TABLE numbered (id serial, note int)');
  await superuser.query(`GRANT SELECT, INSERT ON numbered TO ${admin.user} WITH GRANT OPTION`);
  await superuser.query(`GRANT USAGE ON SEQUENCE numbered_id_seq TO ${admin.user} WITH GRANT OPTION`);
  await superuser.query(`GRANT USAGE ON SCHEMA public TO ${admin.user} WITH GRANT OPTION`);
  await superuser.query(`GRANT SELECT, INSERT ON calls TO ${admin.user} WITH GRANT OPTION`);
  const sql = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
    (await superuser.query<Row>(text, [...values])).rows;
  return {
    database,
    host: url.hostname,
    port: Number(url.port),
    admin,
    group,
    sql,
    connectAs: async (secret, databaseName = database.name) => {
      const client = new Client({
        host: url.hostname,
        port: Number(url.port),
        database: databaseName,
        user: String(secret['user']),
        password: String(secret['password']),
      });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    stop: async () => {
      await superuser.end();
    },
  };
}

/** One login and one row, counted by the target itself under the name that logged in. */
export async function writeAsAgent(target: PostgresTarget, secret: GrantSecret): Promise<'worked' | 'refused'> {
  let client: Client | undefined;
  try {
    client = await target.connectAs(secret);
    await client.query('INSERT INTO public.calls DEFAULT VALUES');
    return 'worked';
  } catch (thrown) {
    if (hasSqlState(thrown, '28000', '28P01', '42501', '57P01')) return 'refused';
    throw thrown;
  } finally {
    await client?.end().catch(() => undefined);
  }
}

export async function countRows(target: PostgresTarget, grant: LedgerGrant): Promise<number> {
  const [row] = await target.sql<{ count: number }>('SELECT count(*)::int AS count FROM calls WHERE who = $1', [
    grant.handle['role'],
  ]);
  return row?.count ?? 0;
}

/** Sessions and prepared transactions under the role's name, as the superuser sees them. */
export async function lastingOf(target: PostgresTarget, role: unknown): Promise<number> {
  const [row] = await target.sql<{ count: number }>(
    'SELECT ((SELECT count(*) FROM pg_stat_activity WHERE usename = $1) + (SELECT count(*) FROM pg_prepared_xacts WHERE owner = $1))::int AS count',
    [role],
  );
  return row?.count ?? 0;
}

/** The old credential works again: what a server would look like that says "done" and does nothing. */
export async function reviveRole(target: PostgresTarget, secret: GrantSecret): Promise<void> {
  await target.sql(
    `ALTER ROLE ${String(secret['user'])} LOGIN CONNECTION LIMIT -1 PASSWORD '${String(secret['password'])}' VALID UNTIL 'infinity'`,
  );
  await target.sql(`GRANT "${target.group.replaceAll('"', '""')}" TO ${String(secret['user'])}`);
}

export async function refuseAdmin(target: PostgresTarget): Promise<() => Promise<void>> {
  await target.sql(`ALTER ROLE ${target.admin.user} PASSWORD 'rotated by somebody else'`);
  return async () => void (await target.sql(`ALTER ROLE ${target.admin.user} PASSWORD '${target.admin.password}'`));
}

/** Forbids the login of whatever control identity this administrator has made. */
export async function forbidControl(target: PostgresTarget, control: string): Promise<() => Promise<void>> {
  await target.sql(`ALTER ROLE ${control} NOLOGIN`);
  return async () => void (await target.sql(`ALTER ROLE ${control} LOGIN`));
}

export async function loseSignalRight(
  target: PostgresTarget,
): Promise<{ readonly finding: RegExp; undo(): Promise<void> }> {
  await target.sql(`REVOKE pg_signal_backend FROM ${target.admin.user}`);
  return {
    finding: /pg_signal_backend/,
    undo: async () => void (await target.sql(`GRANT pg_signal_backend TO ${target.admin.user}`)),
  };
}
