import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { FlowEntry } from '../../store/task-flows.ts';
import type { FlowPort } from './flow-port.ts';

const retryMs = 250;
const mostInBatch = 100;
const mostWaiting = 10_000;

/**
 * Writes what tasks have learned, after their answers have gone out; one batch at a time, the next collects behind it. What cannot
 * be written stays known to be missing: the ledger marks its call as not observed, and every other gateway then knows nothing.
 */
export class FlowWriter {
  readonly #port: Pick<FlowPort, 'append'>;
  readonly #log: Log;
  readonly #onWritten: (rootId: string, seq: number) => void;
  #waiting: FlowEntry[] = [];
  #flushing: Promise<void> | undefined;

  constructor(port: Pick<FlowPort, 'append'>, log: Log, onWritten: (rootId: string, seq: number) => void) {
    this.#port = port;
    this.#log = log;
    this.#onWritten = onWritten;
  }

  add(entry: FlowEntry): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#log.error({ event: 'flow.unwritten', task: entry.rootId }, 'too much waits to be remembered of data flows');
      return;
    }
    this.#waiting.push(entry);
    this.#flushing ??= this.#flushAll();
  }

  holds(what: { readonly rootId?: string; readonly callId?: string }): boolean {
    return this.#waiting.some(
      ({ rootId, callId }) => rootId === what.rootId || (callId !== undefined && callId === what.callId),
    );
  }

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
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#waiting.slice(0, mostInBatch);
      try {
        const written = await this.#port.append(batch);
        this.#waiting = this.#waiting.slice(batch.length);
        for (const { rootId, seq } of written) this.#onWritten(rootId, seq);
      } catch (thrown) {
        this.#log.warn(
          { event: 'flow.write-failed', waiting: this.#waiting.length, code: errorCodeOf(thrown) },
          'what tasks have read could not be remembered yet',
        );
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
      }
    }
    this.#flushing = undefined;
  }
}
