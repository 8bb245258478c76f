import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EstopError } from '../../core/errors.ts';
import { provisionStore, storeRoles } from '../../store/provision.ts';
import { storeUrl } from '../settings.ts';

/** The file that holds the store's URL for one role. Whoever is given it has the rights of that role and no others. */
export const roleUrlFile = (role: string): string => `${role}_url`;

export interface StoreFiles {
  /** Holds one URL file for each role of the store. */
  readonly folder: string;
  readonly superuserUrlFile: string;
  readonly environment: string;
}

/** The passwords in the role URL files become those of the roles, the database that they name is made, and its ledger. */
export async function provisionFromFiles({ folder, superuserUrlFile, environment }: StoreFiles): Promise<void> {
  const superuserUrl = readUrl(superuserUrlFile);
  // Looked at before anything is touched: what is provisioned is where each process will go.
  const given = storeRoles.map((role) => [role, roleUrl(folder, role, superuserUrl)] as const);
  await provisionStore({
    superuserUrl: superuserUrl.href,
    database: databaseOf(given),
    environment,
    passwords: Object.fromEntries(given.map(([role, url]) => [role, decodeURIComponent(url.password)])),
  });
}

function roleUrl(folder: string, role: string, superuserUrl: URL): URL {
  const file = roleUrlFile(role);
  const url = readUrl(join(folder, file));
  if (decodeURIComponent(url.username) !== role || url.password === '') {
    throw new EstopError('config-invalid', { detail: `${file} is not the URL of ${role} with its password` });
  }
  if (url.host !== superuserUrl.host) {
    throw new EstopError('config-invalid', { detail: `${file} names another server than the URL of the superuser` });
  }
  return url;
}

function databaseOf(given: readonly (readonly [string, URL])[]): string {
  const names = new Set(given.map(([, url]) => decodeURIComponent(url.pathname.slice(1))));
  const [name = ''] = names;
  if (names.size === 1 && name !== '') return name;
  throw new EstopError('config-invalid', { detail: 'the URL files of the roles do not all name one database' });
}

/** An error names the file and never its content. */
function readUrl(path: string): URL {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new EstopError('secret-missing', { detail: `file ${path}`, cause });
  }
  const url = storeUrl.safeParse(text).success ? URL.parse(text) : null;
  if (url === null)
    throw new EstopError('config-invalid', { detail: `${path} does not hold the URL of a PostgreSQL database` });
  return url;
}
