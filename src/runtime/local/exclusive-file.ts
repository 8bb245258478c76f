import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../has-code.ts';
import { isAlive, type ProcessIdentity, parseProcessIdentity, thisProcess } from './process-identity.ts';

export type Acquisition =
  | { readonly kind: 'acquired'; readonly release: () => void }
  | { readonly kind: 'held'; readonly by: ProcessIdentity };

/**
 * A lock as a file. It appears whole or not at all (`link`), names its holder by pid and start time, and is taken over when
 * that process is gone, so that kill -9 leaves nothing to clean up by hand.
 *
 * Takeover is itself under such a lock, `<path>.next`: without it, two processes that both saw the dead holder could both
 * replace the file. Under it, a file seen twice with the same nonce has not changed hands in between.
 */
export function acquireExclusiveFile(path: string): Acquisition {
  const mine = { nonce: randomUUID(), holder: thisProcess() };
  const draft = `${path}.${mine.nonce}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600, flag: 'wx' });
  try {
    return acquireWith(draft, path, mine.nonce);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Runs `work` while holding the lock; waits for a holder that lives, because it will be done in seconds. */
export async function withExclusiveFile<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + waitMs;
  for (;;) {
    const lock = acquireExclusiveFile(path);
    if (lock.kind === 'acquired') {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (Date.now() > giveUpAt) throw new Error(`process ${lock.by.pid} has held ${path} for more than ${waitMs} ms`);
    await sleep(50);
  }
}

function acquireWith(draft: string, path: string, nonce: string): Acquisition {
  for (;;) {
    if (tryLink(draft, path)) return acquired(path, nonce);
    const seen = readHolder(path);
    if (seen === undefined) continue;
    if (seen.holder !== undefined && isAlive(seen.holder)) return { kind: 'held', by: seen.holder };

    const turn = acquireExclusiveFile(`${path}.next`);
    if (turn.kind === 'held') return turn;
    try {
      if (readHolder(path)?.text !== seen.text) continue;
      renameSync(draft, path);
      return acquired(path, nonce);
    } finally {
      turn.release();
    }
  }
}

function acquired(path: string, nonce: string): Acquisition {
  return {
    kind: 'acquired',
    release: () => {
      if (readHolder(path)?.text.includes(nonce) === true) rmSync(path, { force: true });
    },
  };
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** A file that cannot be read as ours (a power cut may leave it empty) has no holder and is taken over. */
function readHolder(path: string): { readonly text: string; readonly holder: ProcessIdentity | undefined } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    const holder =
      typeof value === 'object' && value !== null && 'holder' in value ? parseProcessIdentity(value.holder) : undefined;
    return { text, holder };
  } catch {
    return { text, holder: undefined };
  }
}
