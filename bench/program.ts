import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sourceExtension } from '../src/runtime/package-root.ts';

export interface Program<Report> {
  readonly pid: number;
  /** It does what it is there for; only some say so. */
  readonly ready: Promise<void>;
  /** What it found, once it was told to end or has ended by itself. */
  readonly report: Promise<Report>;
  end(): Promise<Report>;
}

type ProgramName =
  | 'watchers'
  | 'gated-load'
  | 'stopper'
  | 'hammer'
  | 'bare-agent'
  | 'bare-worker'
  | 'light-tools'
  | 'two-row-proxy'
  | 'caller';

/**
 * A part of a measurement in a process of its own, so that neither the load nor the clock shares an event loop with anything else.
 * It gets its order as its first message, ends at the second, and dies with us, because it ends when the channel closes.
 */
export function startProgram<Report>(name: ProgramName, order: object): Program<Report> {
  const path = fileURLToPath(new URL(`./programs/${name}${sourceExtension}`, import.meta.url));
  // A session of its own: Linux shares a machine out by session, so it then has a share beside this process, not a part of its share.
  const child = fork(path, { detached: true });
  let begun = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const report = new Promise<Report>((resolve, reject) => {
    child.on('message', (message) => {
      if (message === readyWord) begun();
      else resolve(message as Report); // our own program, see serveOrder
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      const fail = (): void => reject(new Error(`${name} ended with ${code} and without a report`));
      // On a busy machine its end is heard of before its last words, which are read until the channel closes.
      if (child.connected) child.once('disconnect', fail);
      else fail();
    });
  });
  report.catch(() => undefined); // whoever awaits it is told
  child.send(order);
  return {
    pid: child.pid ?? 0,
    ready: Promise.race([ready, report.then(() => undefined)]),
    report,
    end: () => end(child, report),
  };
}

async function end<Report>(child: ChildProcess, report: Promise<Report>): Promise<Report> {
  if (child.connected) child.send('end');
  return report;
}

const readyWord = 'ready';

/** The other side: runs `work` with the order of the parent and hands back its report. */
export function serveOrder<Order, Report>(
  work: (order: Order, ended: AbortSignal, ready: () => void) => Promise<Report>,
): void {
  const ending = new AbortController();
  process.once('disconnect', () => process.exit(0));
  process.once('message', (order) => {
    process.once('message', () => ending.abort());
    void work(order as Order, ending.signal, () => void process.send?.(readyWord)).then(
      (report) => process.send?.(report, () => process.exit(0)),
      (thrown: unknown) => {
        process.stderr.write(`bench: ${String(thrown)}\n`);
        process.exit(1);
      },
    );
  });
}
