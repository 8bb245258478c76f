import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { PgBoss } from 'pg-boss';
import { sessionOptions } from '../../src/core/session-options.ts';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';

export interface TargetDatabase {
  readonly server: PostgresServer;
  /** As estop may administer it: makes and cuts roles, ends sessions, is no superuser. */
  readonly adminUrl: string;
  transfers(): Promise<number>;
  close(): Promise<void>;
}

/** The second PostgreSQL cluster: somebody's billing database, which estop may administer and the agent may write to. */
export async function startTargetDatabase(folder: string): Promise<TargetDatabase> {
  const server = await startPostgres({ folder, name: 'target', settings: { max_connections: 100 } });
  const [password, ownerPassword] = [randomBytes(18).toString('base64url'), randomBytes(18).toString('base64url')];
  await query(server.url('postgres'), [
    'CREATE DATABASE billing',
    `CREATE ROLE estop_admin LOGIN CREATEROLE PASSWORD '${password}'`,
    'GRANT pg_signal_backend TO estop_admin',
    'CREATE ROLE billing_clerk',
    'GRANT billing_clerk TO estop_admin WITH ADMIN OPTION',
    `CREATE ROLE billing_app LOGIN PASSWORD '${ownerPassword}'`,
    'GRANT CREATE ON DATABASE billing TO billing_app',
    'GRANT billing_app TO estop_admin',
  ]);
  await query(server.url('billing'), [
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
    'CREATE SCHEMA billing',
    'CREATE TABLE billing.transfers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount_cents bigint NOT NULL, memo text NOT NULL, by_role text NOT NULL DEFAULT session_user, at timestamptz NOT NULL DEFAULT clock_timestamp())',
    'GRANT USAGE ON SCHEMA billing TO billing_clerk',
    'GRANT SELECT, INSERT ON billing.transfers TO billing_clerk',
  ]);
  // The application's own pg-boss: it owns the queues and does their housekeeping.
  const app = new PgBoss({
    connectionString: server.url('billing', { user: 'billing_app', password: ownerPassword }),
    max: 2,
  });
  app.on('error', () => undefined);
  await app.start();
  return {
    server,
    adminUrl: server.url('billing', { user: 'estop_admin', password }),
    transfers: async () =>
      Number((await query(server.url('billing'), ['SELECT count(*) AS n FROM billing.transfers']))?.['n'] ?? 0),
    close: async () => {
      await app.stop({ graceful: false });
      await server.stop();
    },
  };
}

async function query(url: string, statements: readonly string[]): Promise<Record<string, unknown> | undefined> {
  const client = new Client({ connectionString: url, options: sessionOptions });
  await client.connect();
  try {
    let last: Record<string, unknown> | undefined;
    for (const statement of statements) last = (await client.query<Record<string, unknown>>(statement)).rows[0];
    return last;
  } finally {
    await client.end();
  }
}
