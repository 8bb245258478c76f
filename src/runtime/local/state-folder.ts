import { chmodSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EstopError } from '../../core/errors.ts';
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
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EstopError('part-failed', { detail: `The state folder ${root} cannot be used: ${reason}.`, cause });
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
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  return path;
}

/** Whole or not at all, and never readable by others, not even for a moment. */
export function writeOwnerOnly(path: string, text: string): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
}
