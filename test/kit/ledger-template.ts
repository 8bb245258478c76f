import { Client } from 'pg';
import { provisionStore, storeRoles } from '../../src/store/provision.ts';

const name = 'estop_template';
const draft = `${name}_draft`;
const lock = 1_163_088_990;
const known = new Map<string, Promise<void>>();

/**
 * The database of that server which is copied where a test needs a ledger: all migrations cost four times as much as their copy.
 * Made by whichever test file of the run comes first. What makes an installation one of its own (its id, its environment) is not in it.
 */
export async function ledgerTemplate(serverUrl: string): Promise<string> {
  const making = known.get(serverUrl) ?? makeOnce(serverUrl);
  known.set(serverUrl, making);
  await making;
  return name;
}

/** What belongs to a database and not to what is in it, and so is not copied. As `provisionStore` says it. */
export function whoMayEnter(database: string): readonly string[] {
  return [
    `REVOKE ALL ON DATABASE "${database}" FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE "${database}" TO ${storeRoles.join(', ')}`,
  ];
}

async function makeOnce(serverUrl: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    if (await isThere(client)) return;
    await client.query('SELECT pg_advisory_lock($1)', [lock]); // released with the connection
    if (await isThere(client)) return;
    await client.query(`DROP DATABASE IF EXISTS ${draft}`);
    await provisionStore({ superuserUrl: serverUrl, database: draft, environment: 'test' });
    const inside = new Client({ connectionString: Object.assign(new URL(serverUrl), { pathname: `/${draft}` }).href });
    await inside.connect();
    await inside.query('DELETE FROM estop.installation');
    await inside.end();
    // Under its name only when it is whole; and nobody may be in a database while it is copied.
    await client.query(`ALTER DATABASE ${draft} ALLOW_CONNECTIONS false`);
    await client.query(`ALTER DATABASE ${draft} RENAME TO ${name}`);
  } finally {
    await client.end();
  }
}

async function isThere(client: Client): Promise<boolean> {
  return (await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).rowCount === 1;
}
