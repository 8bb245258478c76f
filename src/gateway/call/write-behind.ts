const retryMs = 250;

interface Work {
  /** How long what comes in collects before it is written. */
  readonly gatherMs: number;
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
  /** Ends the collecting at once. */
  #hurry: (() => void) | undefined;
  #isDraining = false;

  constructor(work: Work) {
    this.#work = work;
  }

  wake(): void {
    this.#flushing ??= this.#flushAll();
  }

  /** Until nothing waits, or the time is up. */
  async drain(patienceMs: number): Promise<void> {
    if (this.#flushing === undefined) return;
    this.#isDraining = true;
    this.#hurry?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.#flushing, late]);
    clearTimeout(timer);
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#isDraining ? 0 : this.#work.gatherMs);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #flushAll(): Promise<void> {
    while (this.#work.isWaiting()) {
      await this.#gather();
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
