const retryMs = 250;

interface Work {
  /** Whether anything waits to be written. */
  readonly isWaiting: () => boolean;
  /** Writes the oldest of what waits and takes it off, or throws: then the same is tried again. */
  readonly writeBatch: () => Promise<void>;
  readonly onFailed: (thrown: unknown) => void;
}

/**
 * Writes after the answers have gone out: one batch at a time, and the next collects behind it, so that a busy gateway writes for
 * many calls with one commit. It goes on for as long as anything waits.
 */
export class WriteBehind {
  readonly #work: Work;
  #flushing: Promise<void> | undefined;

  constructor(work: Work) {
    this.#work = work;
  }

  wake(): void {
    this.#flushing ??= this.#flushAll();
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
    while (this.#work.isWaiting()) {
      // What ends in this turn of the event loop goes into one batch.
      await new Promise((resolve) => setImmediate(resolve));
      try {
        await this.#work.writeBatch();
      } catch (thrown) {
        this.#work.onFailed(thrown);
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
      }
    }
    this.#flushing = undefined;
  }
}
