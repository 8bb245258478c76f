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
    raiseSession(String(process.pid));
  } catch (cause) {
    log.info({ event: 'stop.priority', cause: String(cause) }, 'the priority of the stop process is that of any other');
  }
}

/**
 * A store on this machine serves each connection by a process of its own, in which a stop waits its turn just as here. Raised where
 * Linux itself says that it is the one at the other end of our socket: the store's word for its number would not do, since elsewhere
 * the same number is somebody else. Best effort: a store on another machine is not in our hands.
 */
export function raiseServer(pid: number, ourPort: number | undefined): void {
  const title = readIfThere(`/proc/${pid}/cmdline`) ?? '';
  if (ourPort === undefined || !title.startsWith('postgres: ') || !title.includes(`(${ourPort})`)) return;
  try {
    setPriority(pid, priority);
    raiseSession(String(pid));
  } catch {
    // As above: it then shares alike with the others.
  }
}

/**
 * Linux may share a machine out by session, and then a priority counts only within one. Raised only where the process is the
 * whole session: others in it would be raised as well.
 */
function raiseSession(pid: string): void {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const session = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
  if (session !== pid || readIfThere(`/proc/${pid}/autogroup`) === undefined) return;
  writeFileSync(`/proc/${pid}/autogroup`, String(priority));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // another system, or a kernel without it
  }
}
