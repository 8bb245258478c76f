import { basename, dirname, join } from 'node:path';
import { packageRoot } from '../runtime/package-root.ts';
import { type Connection, profilesFolder } from './connection.ts';
import { quoteForShell } from './quote-for-shell.ts';

/**
 * What a client runs for a fresh token. It does so in a folder of its own: so both the program and where estop is are named in full, and
 * never by a name that a package registry would be asked for.
 */
export function tokenCommand(connection: Connection, taskId: string): string {
  const program = [process.execPath, join(packageRoot, 'bin', 'estop.js')];
  return [...program, ...placeOf(connection), 'task', 'token', taskId, '--header'].map(quoteForShell).join(' ');
}

/** Without a file it is in variables, which that client then has to have as well. */
function placeOf({ source }: Connection): readonly string[] {
  if (source === undefined) return [];
  return dirname(source) === profilesFolder(process.env)
    ? ['--profile', basename(source, '.json')]
    : ['--state', dirname(source)];
}
