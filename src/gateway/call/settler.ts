import type { Log } from '../../contract/identity.ts';
import type { Spend } from '../../core/budget.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { CallOutcome, SettledCall } from '../../store/calls.ts';
import type { FencePort } from '../fence/fence-port.ts';

const retryMs = 250;
/** About what an outage of several minutes leaves behind at full load; beyond it the ledger says less, never something false. */
const mostWaiting = 100_000;

/**
 * Writes how calls ended, after their answers have gone out. One batch is under way at a time and the next collects behind it,
 * so that a busy gateway settles many calls with one commit. What cannot be settled stays open in the ledger until this gateway
 * is retired, which makes it possibly completed: nothing is lost but detail.
 */
export class Settler {
  readonly #port: Pick<FencePort, 'settle'>;
  readonly #log: Log;
  readonly #waiting = new Map<string, SettledCall>();
  #flushing: Promise<void> | undefined;

  constructor(port: Pick<FencePort, 'settle'>, log: Log) {
    this.#port = port;
    this.#log = log;
  }

  add(callId: string, outcome: CallOutcome, used?: Spend): void {
    if (this.#waiting.size >= mostWaiting) {
      this.#log.error(
        { event: 'call.unsettled', callId },
        'too many calls wait to be settled; this one stays open in the ledger',
      );
      return;
    }
    this.#waiting.set(callId, { callId, outcome, ...(used === undefined ? {} : { used }) });
    this.#flushing ??= this.#flushAll();
  }

  /** Calls of which nobody knows whether they had their effect, and the ledger does not know it yet. rule: possibly-completed */
  unknownEnds(): readonly string[] {
    return [...this.#waiting.values()]
      .filter(({ outcome }) => outcome === 'possibly-completed')
      .map(({ callId }) => callId);
  }

  /** Until nothing waits, or the time is up. */
  async drain(patienceMs: number): Promise<void> {
    if (this.#flushing === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.#flushing, late]);
    clearTimeout(timer);
  }

  async #flushAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      // What ends in this turn of the event loop goes into one batch.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = [...this.#waiting.values()].slice(0, 500);
      try {
        await this.#port.settle(batch);
        for (const { callId } of batch) this.#waiting.delete(callId);
      } catch (thrown) {
        this.#log.warn(
          { event: 'call.settle-failed', waiting: this.#waiting.size, code: errorCodeOf(thrown) },
          'calls could not be settled yet',
        );
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
      }
    }
    this.#flushing = undefined;
  }
}
