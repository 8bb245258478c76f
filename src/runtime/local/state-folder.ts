import { chmodSync, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { EstopError } from '../../core/errors.ts';
import { hasCode } from '../has-code.ts';
import { acquireExclusiveFile } from './exclusive-file.ts';

/** One folder holds all local state: databases, keys, ports, logs, process records. Only its owner can enter it. */
export interface StateFolder {
  readonly path: string;
  /** The path of a subfolder, made with owner-only permissions if it is not there yet. */
  folder(name: string): string;
  file(name: string): string;
  release(): void;
}

/** Takes the folder for this process, so that two of them never run on one database. Given back by `release` or at exit. */
export function claimStateFolder(path = '.estop'): StateFolder {
  const root = resolve(path);
  try {
    makeOwnerOnlyFolder(root);
  } catch (cause) {
    throw new EstopError('part-failed', {
      detail: `The state folder ${root} cannot be used: ${whyNot(root, cause)}`,
      cause,
    });
  }
  const lock = acquireExclusiveFile(join(root, 'lock'));
  if (lock.kind === 'held') {
    const detail = `Another estop (process ${lock.by.pid}) already runs in ${root}: end that one, or give this one a state folder of its own.`;
    throw new EstopError('state-folder-in-use', { detail });
  }
  process.once('exit', lock.release);
  return {
    path: root,
    folder: (name) => makeOwnerOnlyFolder(join(root, name)),
    file: (name) => join(root, name),
    release: () => {
      process.removeListener('exit', lock.release);
      lock.release();
    },
  };
}

/** Also tightens a folder that was made by other means, for example by a careless `mkdir`. */
export function makeOwnerOnlyFolder(path: string): string {
  makeFolders(path);
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  return path;
}

/** One by one: asked for all at once, Node tries for ever where a file system makes no folders, as /proc does. */
function makeFolders(path: string): void {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) return;
    throw new Error(`${path} is no folder`);
  }
  makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    // Somebody else made it in the meantime.
    if (!hasCode(thrown, 'EEXIST')) throw thrown;
  }
}

/** What is wrong, where, and what to do. */
function whyNot(root: string, cause: unknown): string {
  const there = lastThere(root);
  const elsewhere = 'name another folder by ESTOP_STATE';
  if (!statSync(there).isDirectory()) return `${there} is a file. Move it away, or ${elsewhere}.`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const who = `user ${process.getuid?.() ?? 'unknown'}`;
  return there === root
    ? `it is not of ${who} alone (${reason}). Give it to that user, or ${elsewhere}.`
    : `${who} can make no folder in ${there} (${reason}). Let that user write there, or ${elsewhere}.`;
}

/** The folder itself, or what there is on the way to it. */
function lastThere(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : lastThere(dirname(path));
}

/** Whole or not at all, and never readable by others, not even for a moment. */
export function writeOwnerOnly(path: string, text: string): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
}
