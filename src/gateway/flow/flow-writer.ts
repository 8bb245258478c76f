import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { SettledCall } from '../../store/calls.ts';
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

interface FlowWriterParts {
  readonly port: Pick<FlowPort, 'append'>;
  readonly log: Log;
  readonly onWritten: (rootId: string, seq: number) => void;
  /** Writes by itself how a call ended that could not be written with its entry. */
  readonly settle: (end: SettledCall) => void;
}

interface Waiting {
  readonly entry: FlowEntry;
  readonly end?: SettledCall | undefined;
}

/**
 * Writes what tasks have learned, after their answers have gone out, and with it how the calls ended that they learned it from: it is
 * the same row. What cannot be written stays known to be missing: the ledger marks its call as not observed, and every other gateway
 * then knows nothing.
 */
export class FlowWriter {
  readonly #parts: FlowWriterParts;
  #waiting: Waiting[] = [];
  readonly #behind: WriteBehind;

  constructor(parts: FlowWriterParts) {
    this.#parts = parts;
    const { log } = parts;
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

  add(entry: FlowEntry, end?: SettledCall): void {
    const { log, settle } = this.#parts;
    if (this.#waiting.length >= mostWaiting) {
      log.error({ event: 'flow.unwritten', task: entry.rootId }, 'too much waits to be remembered of data flows');
      if (end !== undefined) settle(end);
      return;
    }
    this.#waiting.push({ entry, end });
    this.#behind.wake();
  }

  holds(what: { readonly rootId?: string; readonly callId?: string }): boolean {
    return this.#waiting.some(
      ({ entry: { rootId, callId } }) => rootId === what.rootId || (callId !== undefined && callId === what.callId),
    );
  }

  drain(patienceMs: number): Promise<void> {
    return this.#behind.drain(patienceMs);
  }

  async #writeBatch(): Promise<void> {
    const { port, onWritten } = this.#parts;
    const batch = this.#waiting.slice(0, mostInBatch);
    try {
      const written = await port.append(
        batch.map(({ entry }) => entry),
        batch.flatMap(({ end }) => end ?? []),
      );
      this.#waiting = this.#waiting.slice(batch.length);
      for (const { rootId, seq } of written) onWritten(rootId, seq);
    } catch (thrown) {
      this.#settleAlone(batch);
      throw thrown;
    }
  }

  /** Whatever keeps an entry from being written keeps no end from it. */
  #settleAlone(batch: readonly Waiting[]): void {
    this.#waiting = this.#waiting.map((one, at) => (at < batch.length ? { entry: one.entry } : one));
    for (const { end } of batch) if (end !== undefined) this.#parts.settle(end);
  }
}
