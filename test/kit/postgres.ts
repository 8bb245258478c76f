import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, inject } from 'vitest';
import { requires } from './requires.ts';
import type { PostgresVersion } from './run-postgres.ts';

export interface TestDatabase {
  readonly name: string;
  /** As superuser. */
  readonly url: string;
  /** The same database for another role. */
  urlFor(role: { readonly user: string; readonly password: string }): string;
}

const created: { readonly name: string; readonly serverUrl: string }[] = [];

// Registered where this module is loaded, which is at the top of a test file: runs after all its tests.
afterAll(async () => {
  for (const { name, serverUrl } of created.splice(0)) {
    await asSuperuser(serverUrl, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  }
});

/** A fresh database on the run's server, dropped after the test file. Roles are shared by a whole server: name them apart. */
export async function createDatabase(version: PostgresVersion = '18'): Promise<TestDatabase> {
  const serverUrl = await postgresUrl(version);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(serverUrl, `CREATE DATABASE "${name}"`);
  created.push({ name, serverUrl });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { name, url: url.href, urlFor: (role) => withRole(url, role) };
}

/** One suite on every PostgreSQL that estop supports; it takes its databases from the function it is given. */
export function onEveryPostgres(title: string, suite: (createOn: () => Promise<TestDatabase>) => void): void {
  requires()(`${title}, on PostgreSQL 18`, () => suite(() => createDatabase('18')));
  requires('postgresql-15')(`${title}, on PostgreSQL 15`, () => suite(() => createDatabase('15')));
}

/** The superuser's URL of the run's server of that version. */
async function postgresUrl(version: PostgresVersion): Promise<string> {
  if (version === '18') return inject('postgresUrl');
  const answer = await fetch(`${inject('onDemandUrl')}/postgres-15`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`PostgreSQL 15 cannot be had: ${text}`);
  return text;
}

function withRole(base: URL, role: { readonly user: string; readonly password: string }): string {
  const url = new URL(base);
  url.username = encodeURIComponent(role.user);
  url.password = encodeURIComponent(role.password);
  return url.href;
}

async function asSuperuser(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
