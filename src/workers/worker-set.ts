import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import type { Log } from '../contract/identity.ts';
import { errorCodeOf } from '../core/errors.ts';

export interface WorkerSet {
  /** Keeps a worker of this name running from now on; does nothing if there is one. */
  keep(name: string, create: () => Promise<Worker>): void;
  /** Lets it drain. Another of the same name may be kept at once. */
  drop(name: string): void;
  names(): readonly string[];
  close(): Promise<void>;
}

interface Kept {
  worker: Worker | undefined;
  wanted: boolean;
  running: Promise<void>;
}

const retryMs = 1_000;

/** Workers side by side in one process, each started again when it fails: one that cannot start delays no other. */
export function createWorkerSet(log: Log): WorkerSet {
  const kept = new Map<string, Kept>();
  const leaving = new Set<Promise<void>>();

  const run = async (name: string, create: () => Promise<Worker>, me: Kept): Promise<void> => {
    for (let attempt = 1; me.wanted; attempt += 1) {
      try {
        const worker = await create();
        me.worker = worker;
        attempt = 0;
        if (me.wanted) await worker.run();
      } catch (thrown) {
        if (attempt <= 1)
          log.error(
            { event: 'worker.failed', worker: name, code: errorCodeOf(thrown), cause: String(thrown) },
            'a worker failed and is started again',
          );
      }
      me.worker = undefined;
      if (me.wanted) await sleep(retryMs);
    }
  };
  const end = (me: Kept): void => {
    me.wanted = false;
    if (me.worker?.getState() === 'RUNNING') me.worker.shutdown();
  };
  return {
    keep: (name, create) => {
      if (kept.has(name)) return;
      const me: Kept = { worker: undefined, wanted: true, running: Promise.resolve() };
      me.running = run(name, create, me);
      kept.set(name, me);
    },
    drop: (name) => {
      const me = kept.get(name);
      if (me === undefined) return;
      kept.delete(name);
      end(me);
      leaving.add(me.running);
      void me.running.then(() => leaving.delete(me.running));
    },
    names: () => [...kept.keys()],
    close: async () => {
      for (const me of kept.values()) end(me);
      await Promise.all([...kept.values()].map((me) => me.running));
      await Promise.all(leaving);
    },
  };
}
