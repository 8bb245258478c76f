import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, inject } from 'vitest';
import { ledgerTemplate, whoMayEnter } from './ledger-template.ts';
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
  for (const { name, serverUrl } of created.splice(0))
    await fetch(`${inject('onDemandUrl')}/drop?${new URLSearchParams({ server: serverUrl, name }).toString()}`);
});

/** `ledger`: as `provisionStore` leaves it, but of no environment yet. */
export type Filled = 'empty' | 'ledger';
export type CreateDatabase = (filled?: Filled) => Promise<TestDatabase>;

/** A fresh database on the run's server, dropped after the test file. Roles are shared by a whole server: name them apart. */
export async function createDatabase(filled: Filled = 'empty', version: PostgresVersion = '18'): Promise<TestDatabase> {
  const serverUrl = await postgresUrl(version);
  const name = `test_${randomBytes(6).toString('hex')}`;
  const ledger =
    filled === 'ledger' ? ` TEMPLATE "${await ledgerTemplate(serverUrl)}" STRATEGY FILE_COPY OWNER estop_owner` : '';
  await asSuperuser(serverUrl, [`CREATE DATABASE "${name}"${ledger}`, ...(ledger === '' ? [] : whoMayEnter(name))]);
  created.push({ name, serverUrl });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { name, url: url.href, urlFor: (role) => withRole(url, role) };
}

/** One suite on every PostgreSQL that estop supports; it takes its databases from the function it is given. */
export function onEveryPostgres(title: string, suite: (createOn: CreateDatabase) => void): void {
  requires()(`${title}, on PostgreSQL 18`, () => suite((filled) => createDatabase(filled, '18')));
  requires('postgresql-15')(`${title}, on PostgreSQL 15`, () => suite((filled) => createDatabase(filled, '15')));
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

async function asSuperuser(connectionString: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
