import type { LatchLine } from './latch-line.ts';

export interface LatchLines {
  /** Waits for a free line; undefined once `signal` is aborted. */
  take(signal: AbortSignal): Promise<LatchLine | undefined>;
  giveBack(line: LatchLine): void;
  /** The line is slow or broken: it no longer counts, another is opened in its place. Its holder still owns it. */
  writeOff(line: LatchLine): void;
  /** Connections that are open and not written off, busy ones too. */
  open(): number;
  close(): void;
}

interface LatchLinesOptions {
  readonly open: () => Promise<LatchLine>;
  readonly size: number;
  readonly retryMs: number;
  /** An idle line is tried this often, so that a connection which died in silence is not found out by a stop. */
  readonly pingEveryMs: number;
  readonly pingPatienceMs: number;
}

/** Connections that only stops use, kept warm: a stop neither opens one nor queues behind an allow path. */
export function createLatchLines(options: LatchLinesOptions): LatchLines {
  const members = new Set<LatchLine>();
  const idle: LatchLine[] = [];
  const waiters: ((line: LatchLine) => void)[] = [];
  let opening = 0;
  let closed = false;

  const offer = (line: LatchLine): void => {
    const waiter = waiters.shift();
    if (waiter === undefined) idle.push(line);
    else waiter(line);
  };
  const drop = (line: LatchLine): void => {
    if (!members.delete(line)) return;
    const place = idle.indexOf(line);
    if (place >= 0) idle.splice(place, 1);
    fill();
  };
  const openOne = async (): Promise<void> => {
    try {
      const line = await options.open();
      if (closed) return line.discard();
      members.add(line);
      void line.gone.then(() => drop(line));
      offer(line);
    } finally {
      opening -= 1;
    }
  };
  const fill = (): void => {
    while (!closed && members.size + opening < options.size) {
      opening += 1;
      openOne().catch(() => setTimeout(fill, options.retryMs).unref());
    }
  };
  const pingOldest = (): void => {
    const line = idle.shift();
    if (line === undefined) return;
    const hung = setTimeout(() => line.discard(), options.pingPatienceMs);
    line
      .ping()
      .then(
        () => members.has(line) && offer(line),
        () => line.discard(),
      )
      .finally(() => clearTimeout(hung));
  };
  const pings = setInterval(pingOldest, options.pingEveryMs / options.size);
  pings.unref();
  fill();

  return {
    take: (signal) => {
      const free = idle.shift();
      if (free !== undefined) return Promise.resolve(free);
      if (signal.aborted) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const waiter = (line: LatchLine): void => {
          signal.removeEventListener('abort', giveUp);
          resolve(line);
        };
        const giveUp = (): void => {
          waiters.splice(waiters.indexOf(waiter), 1);
          resolve(undefined);
        };
        signal.addEventListener('abort', giveUp, { once: true });
        waiters.push(waiter);
      });
    },
    giveBack: (line) => {
      if (members.has(line)) offer(line);
      else line.discard();
    },
    writeOff: drop,
    open: () => members.size,
    close: () => {
      closed = true;
      clearInterval(pings);
      for (const line of members) line.discard();
    },
  };
}
