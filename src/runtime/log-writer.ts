import { writeSync } from 'node:fs';

const mostWaitingBytes = 64 * 1024;
const againMs = 200;

export interface Lost {
  readonly lines: number;
  /** When the first of them was lost. */
  readonly since: Date;
}

let linesLost = 0;
/** By every log of this process, since it started. */
export const linesLostSoFar = (): number => linesLost;

interface LogWriterOptions {
  readonly writeSome?: (bytes: Uint8Array) => number;
  /** The log takes lines again, after it lost some. */
  readonly onTakesAgain?: (lost: Lost) => void;
}

/**
 * Writes each line at once. While the disk is full, or its reader slow, a few lines wait and the others are lost, and counted: nothing
 * that is said may end, or hold up, the process that says it.
 */
export function createLogWriter({ writeSome = (bytes) => writeSync(2, bytes), onTakesAgain }: LogWriterOptions = {}) {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let lost: Lost | undefined;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    try {
      for (let [first] = waiting; first !== undefined; [first] = waiting) {
        const written = writeSome(first);
        waitingBytes -= written;
        if (written < first.length) waiting[0] = first.subarray(written);
        else waiting.shift();
      }
    } catch {
      timer = setTimeout(flush, againMs).unref();
      return;
    }
    const before = lost;
    lost = undefined;
    if (before !== undefined) onTakesAgain?.(before);
  };
  process.once('exit', flush);
  // Whoever asks for it once is no longer held up by a pipe that is full; and a warning of Node's own ends nobody either.
  process.stderr.on('error', () => undefined);
  return {
    write: (line: string): void => {
      const bytes = Buffer.from(line);
      if (waitingBytes + bytes.length > mostWaitingBytes) {
        linesLost += 1;
        lost = { lines: (lost?.lines ?? 0) + 1, since: lost?.since ?? new Date() };
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (timer === undefined) flush();
    },
  };
}
