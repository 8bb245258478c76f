import { createHmac } from 'node:crypto';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { EstopError } from '../core/errors.ts';
import { isEnvironment } from '../core/ids.ts';
import { sessionOptions } from '../core/session-options.ts';
import { migrate } from './migrate.ts';
import { connectionLimit, rolePlans, type StoreRole, storeRoles } from './role.ts';
import { storeError } from './store-error.ts';

export { storeRoles } from './role.ts';

export interface ProvisionOptions {
  /** Any database of the cluster, as a superuser. */
  readonly superuserUrl: string;
  readonly database: string;
  readonly environment: string;
  /**
   * Per role. What is missing is derived from the superuser's password, so that databases sharing a cluster (and so its roles)
   * agree on it without telling each other.
   */
  readonly passwords?: Readonly<Record<string, string>>;
}

const lockClass = 1163088975;
const maintenanceDatabase = 'postgres';

/** Makes (or brings up to date) the cluster's roles, the database, the ledger in it, and says which environment it belongs to. */
export async function provisionStore(options: ProvisionOptions): Promise<Readonly<Record<StoreRole, string>>> {
  const { superuserUrl, database, environment } = options;
  if (!isEnvironment(environment))
    throw new EstopError('config-invalid', { detail: `${JSON.stringify(environment)} is not an environment's name` });
  const urls = storeUrls(options);
  await withClient(withPath(superuserUrl, maintenanceDatabase), async (client) => {
    // Roles belong to the whole cluster; two provisioners of two databases must not alter one at the same time. A lock belongs to a
    // database, so all of them take it in the same one.
    await client.query('SELECT pg_advisory_lock($1, 1)', [lockClass]);
    await makeRoles(client, urls);
    await makeDatabase(client, database);
  });
  await withClient(withPath(superuserUrl, database), (client) => closeDatabase(client, database));
  await migrate(urls.estop_owner);
  await nameEnvironment(urls.estop_owner, environment);
  return urls;
}

/** Where each role of a provisioned store finds it. */
export function storeUrls(options: Omit<ProvisionOptions, 'environment'>): Readonly<Record<StoreRole, string>> {
  const secret = decodeURIComponent(new URL(options.superuserUrl).password);
  const urls = storeRoles.map((role) => {
    const url = new URL(withPath(options.superuserUrl, options.database));
    url.username = role;
    url.password = encodeURIComponent(
      options.passwords?.[role] ?? createHmac('sha256', secret).update(`estop store role ${role}`).digest('base64url'),
    );
    return [role, url.href] as const;
  });
  return Object.fromEntries(urls) as Record<StoreRole, string>; // one entry per member of storeRoles, by construction
}

async function makeRoles(client: Client, urls: Readonly<Record<StoreRole, string>>): Promise<void> {
  const server = await client.query<{ connections: number; version: number }>(
    `SELECT current_setting('max_connections')::int AS connections, current_setting('server_version_num')::int AS version`,
  );
  const { connections, version } = server.rows[0] ?? { connections: 100, version: 150_000 };
  for (const role of storeRoles) {
    const name = escapeIdentifier(role);
    const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
    if (known.rowCount === 0) await client.query(`CREATE ROLE ${name}`);
    const password = escapeLiteral(decodeURIComponent(new URL(urls[role]).password));
    await client.query(
      `ALTER ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${connectionLimit(role, connections)} PASSWORD ${password}`,
    );
    for (const [setting, value] of Object.entries(rolePlans[role].settings))
      await client.query(`ALTER ROLE ${name} SET ${setting} = ${escapeLiteral(value)}`);
  }
  // Where the server keeps connections back (reserved_connections, PostgreSQL 16), they are kept for stops.
  if (version >= 160_000) await client.query('GRANT pg_use_reserved_connections TO estop_stop, estop_latch');
}

async function makeDatabase(client: Client, database: string): Promise<void> {
  const known = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
  const name = escapeIdentifier(database);
  if (known.rowCount === 0) await client.query(`CREATE DATABASE ${name} OWNER estop_owner`);
  else await client.query(`ALTER DATABASE ${name} OWNER TO estop_owner`);
}

/** Nobody gets in, or makes anything, who is not named. */
async function closeDatabase(client: Client, database: string): Promise<void> {
  const name = escapeIdentifier(database);
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await client.query(
    `GRANT CONNECT ON DATABASE ${name} TO ${storeRoles.map((role) => escapeIdentifier(role)).join(', ')}`,
  );
  await client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
}

/** An environment, once named, is never renamed: two of them must not mix. */
async function nameEnvironment(ownerUrl: string, environment: string): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    await client.query('INSERT INTO estop.installation (environment) VALUES ($1) ON CONFLICT DO NOTHING', [
      environment,
    ]);
    const found = await client.query<{ environment: string }>('SELECT environment FROM estop.installation');
    const named = found.rows[0]?.environment;
    if (named !== environment)
      throw new EstopError('foreign-environment', {
        detail: `this store belongs to environment ${named ?? '(none)'}, not ${environment}`,
      });
  });
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    application_name: 'estop-provision',
    options: sessionOptions,
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (thrown) {
    throw storeError(thrown);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function withPath(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}
