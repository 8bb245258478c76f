import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EstopError } from '../../core/errors.ts';
import type { ChildProcess } from './child-process.ts';

/**
 * Waits until the probe, a real round trip to the server, succeeds. A server that ends, or is not ready in time, is an error
 * that quotes the last lines of its log.
 */
export async function untilReady(child: ChildProcess, deadlineMs: number, probe: () => Promise<void>): Promise<void> {
  let ended = false;
  void child.exited.then(() => (ended = true));
  const giveUpAt = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await probe();
    } catch (cause) {
      if (ended) throw failed(child, 'ended while starting', cause);
      if (Date.now() > giveUpAt) throw failed(child, `was not ready within ${deadlineMs / 1000} s`, cause);
    }
    await sleep(20);
  }
}

function failed(child: ChildProcess, what: string, cause: unknown): EstopError {
  const lines = lastLines(child.logFile);
  const detail =
    lines === ''
      ? `${child.name} ${what} and wrote nothing to ${child.logFile}.`
      : `${child.name} ${what}; ${child.logFile} ends with:\n${lines}`;
  return new EstopError('part-failed', { detail, cause });
}

function lastLines(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, 4096));
    readSync(file, tail, 0, tail.length, size - tail.length);
    return tail.toString('utf8').trimEnd().split('\n').slice(-6).join('\n');
  } finally {
    closeSync(file);
  }
}
