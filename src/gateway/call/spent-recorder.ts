import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { TaskSpent } from '../../store/spent.ts';
import type { Denial } from '../passage.ts';
import type { Noted } from './conduct-of.ts';
import type { ConductNoter } from './conduct-recorder.ts';

type Totals = { -readonly [Key in keyof TaskSpent]: TaskSpent[Key] };

const flushMs = 500;
/** Of tasks. Beyond it the policies are told of less than was spent; budgets are not touched by that. */
const mostWaiting = 20_000;

/** What calls that were made have cost, written twice a second, so that policies can be told. No call waits for it. */
export class SpentRecorder implements ConductNoter {
  readonly #send: (spent: readonly TaskSpent[]) => Promise<void>;
  readonly #log: Log;
  #waiting = new Map<string, Totals>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(send: (spent: readonly TaskSpent[]) => Promise<void>, log: Log) {
    this.#send = send;
    this.#log = log;
  }

  note({ facts }: Noted, _denial: Denial | undefined): void {
    const { claims, admitted, outcome } = facts;
    // Lists are admitted without a call, and cost nothing.
    if (claims === undefined || admitted !== true || (facts.call ?? facts.modelCall) === undefined) return;
    if (outcome === undefined || outcome === 'denied') return;
    const { tokens = 0, microcents = 0 } = facts.used ?? facts.worst ?? {};
    this.#add({ taskId: claims.taskId, agentId: claims.agentId, calls: 1, tokens, microcents });
    this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#sending;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.size > 0) this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
    });
    await this.#sending;
  }

  #add(more: TaskSpent): void {
    const known = this.#waiting.get(more.taskId);
    if (known === undefined) {
      if (this.#waiting.size < mostWaiting) this.#waiting.set(more.taskId, { ...more });
      return;
    }
    known.calls += more.calls;
    known.tokens += more.tokens;
    known.microcents += more.microcents;
  }

  async #sendAll(): Promise<void> {
    const batch = [...this.#waiting.values()];
    if (batch.length === 0) return;
    this.#waiting = new Map();
    try {
      await this.#send(batch);
    } catch (thrown) {
      // It may have been written all the same: counted twice is better than not at all.
      for (const one of batch) this.#add(one);
      this.#log.warn({ event: 'spent.trouble', code: errorCodeOf(thrown) }, 'what was spent could not be written yet');
    }
  }
}
