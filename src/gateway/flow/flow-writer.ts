import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { FlowEntry } from '../../store/task-flows.ts';
import { WriteBehind } from '../call/write-behind.ts';
import type { FlowPort } from './flow-port.ts';

const mostInBatch = 100;
/**
 * Each batch is a commit that waits for the disk, and whatever call is admitted meanwhile waits with it. Another gateway that takes
 * the next call of a task looks for what is on its way every 25 ms.
 */
const gatherMs = 20;
const mostWaiting = 10_000;

/**
 * Writes what tasks have learned, after their answers have gone out. What cannot be written stays known to be missing: the ledger
 * marks its call as not observed, and every other gateway then knows nothing.
 */
export class FlowWriter {
  readonly #port: Pick<FlowPort, 'append'>;
  readonly #log: Log;
  readonly #onWritten: (rootId: string, seq: number) => void;
  #waiting: FlowEntry[] = [];
  readonly #behind: WriteBehind;

  constructor(port: Pick<FlowPort, 'append'>, log: Log, onWritten: (rootId: string, seq: number) => void) {
    this.#port = port;
    this.#log = log;
    this.#onWritten = onWritten;
    this.#behind = new WriteBehind({
      gatherMs,
      isWaiting: () => this.#waiting.length > 0,
      writeBatch: () => this.#writeBatch(),
      onFailed: (thrown) =>
        log.warn(
          { event: 'flow.write-failed', waiting: this.#waiting.length, code: errorCodeOf(thrown) },
          'what tasks have read could not be remembered yet',
        ),
    });
  }

  add(entry: FlowEntry): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#log.error({ event: 'flow.unwritten', task: entry.rootId }, 'too much waits to be remembered of data flows');
      return;
    }
    this.#waiting.push(entry);
    this.#behind.wake();
  }

  holds(what: { readonly rootId?: string; readonly callId?: string }): boolean {
    return this.#waiting.some(
      ({ rootId, callId }) => rootId === what.rootId || (callId !== undefined && callId === what.callId),
    );
  }

  drain(patienceMs: number): Promise<void> {
    return this.#behind.drain(patienceMs);
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#waiting.slice(0, mostInBatch);
    const written = await this.#port.append(batch);
    this.#waiting = this.#waiting.slice(batch.length);
    for (const { rootId, seq } of written) this.#onWritten(rootId, seq);
  }
}
