import { execFileSync } from 'node:child_process';
import { EstopError } from '../../core/errors.ts';

export interface OsUser {
  readonly uid: number;
  readonly gid: number;
}

const userName = 'postgres';

/**
 * PostgreSQL refuses to run as root, and wants an entry in the user database. So root, the usual user in a container, runs it
 * as the OS user `postgres`, made if it is missing. Undefined: we are not root and run it as ourselves.
 */
export function postgresUser(): OsUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = lookUp();
  if (user !== undefined) return user;
  try {
    execFileSync(
      'useradd',
      ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', userName],
      { stdio: 'pipe' },
    );
  } catch (cause) {
    const detail = `PostgreSQL does not run as root, and the OS user "${userName}" is missing and could not be made by useradd: create it, or run estop as another user.`;
    throw new EstopError('part-missing', { detail, cause });
  }
  const made = lookUp();
  if (made === undefined)
    throw new EstopError('part-missing', { detail: `The OS user "${userName}" was made but cannot be looked up.` });
  return made;
}

function lookUp(): OsUser | undefined {
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch {
    return undefined;
  }
}

function idOf(option: '-u' | '-g'): number {
  return Number.parseInt(execFileSync('id', [option, userName], { encoding: 'utf8', stdio: 'pipe' }), 10);
}
