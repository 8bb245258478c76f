import type { Log } from '../../contract/identity.ts';
import type { Spend } from '../../core/budget.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { CallOutcome, SettledCall } from '../../store/calls.ts';
import type { FencePort } from '../fence/fence-port.ts';
import { WriteBehind } from './write-behind.ts';

const mostInBatch = 500;
/** Ends are for reports and budgets, which can wait so long; one statement for one call would cost as much as the call's own. */
const gatherMs = 10;
/** About what an outage of several minutes leaves behind at full load; beyond it the ledger says less, never something false. */
const mostWaiting = 100_000;

/**
 * Writes how calls ended, after their answers have gone out. What cannot be settled stays open in the ledger until this gateway
 * is retired, which makes it possibly completed: nothing is lost but detail.
 */
export class Settler {
  readonly #port: Pick<FencePort, 'settle'>;
  readonly #log: Log;
  readonly #waiting = new Map<string, SettledCall>();
  readonly #behind: WriteBehind;

  constructor(port: Pick<FencePort, 'settle'>, log: Log) {
    this.#port = port;
    this.#log = log;
    this.#behind = new WriteBehind({
      gatherMs,
      isWaiting: () => this.#waiting.size > 0,
      writeBatch: () => this.#writeBatch(),
      onFailed: (thrown) =>
        log.warn(
          { event: 'call.settle-failed', waiting: this.#waiting.size, code: errorCodeOf(thrown) },
          'calls could not be settled yet',
        ),
    });
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
    this.#behind.wake();
  }

  /** Calls of which nobody knows whether they had their effect, and the ledger does not know it yet. rule: possibly-completed */
  unknownEnds(): readonly string[] {
    return [...this.#waiting.values()]
      .filter(({ outcome }) => outcome === 'possibly-completed')
      .map(({ callId }) => callId);
  }

  drain(patienceMs: number): Promise<void> {
    return this.#behind.drain(patienceMs);
  }

  async #writeBatch(): Promise<void> {
    const batch = [...this.#waiting.values()].slice(0, mostInBatch);
    await this.#port.settle(batch);
    for (const { callId } of batch) this.#waiting.delete(callId);
  }
}
