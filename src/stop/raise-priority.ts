import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Log } from '../contract/identity.ts';

const priority = -10;

/**
 * A machine at its limit must not make a stop wait its turn. Usually only root, or who has CAP_SYS_NICE, may ask for this; without
 * it this process shares alike with the others. Called before any other thread is started, which then inherits it.
 */
export function raisePriority(log: Log): void {
  try {
    setPriority(priority);
    raiseSession();
  } catch (cause) {
    log.info({ event: 'stop.priority', cause: String(cause) }, 'the priority of the stop process is that of any other');
  }
}

/**
 * Linux may share a machine out by session, and then a priority counts only within one. Raised only where this process is the
 * whole session: others in it would be raised as well.
 */
function raiseSession(): void {
  const stat = readIfThere('/proc/self/stat');
  const session = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
  if (session !== String(process.pid) || readIfThere('/proc/self/autogroup') === undefined) return;
  writeFileSync('/proc/self/autogroup', String(priority));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // another system, or a kernel without it
  }
}
