import type { KeyedHash } from '../../core/flow/keyed-hash.ts';
import { applyDelta, emptyFlow, type TaskFlow } from '../../core/flow/task-flow.ts';
import type { FlowRecord } from '../../store/task-flows.ts';

/** What this gateway knows of one task tree. */
export class Memory {
  readonly rootId: string;
  readonly flow: TaskFlow;
  /** Every entry up to here is in `flow`; so are those of ours that come later. */
  seq = 0;
  /** Ended when every answer that went out from here is in `flow`. */
  tail: Promise<void> = Promise.resolve();
  busy = 0;
  /** An answer of ours could not be taken in. */
  isLost = false;
  /** Calls elsewhere whose answers were waited for in vain. */
  readonly missing = new Set<string>();
  lookedAt = 0;
  weight = 0;

  constructor(rootId: string, hash: KeyedHash) {
    this.rootId = rootId;
    this.flow = emptyFlow(hash);
  }

  get isComplete(): boolean {
    return !this.isLost && this.missing.size === 0;
  }

  /** An entry that was taken in before says nothing new. */
  take(record: FlowRecord): void {
    for (const { seq, deltas } of record.entries) {
      for (const delta of deltas) applyDelta(this.flow, delta);
      this.seq = Math.max(this.seq, seq);
    }
    const unobserved = new Set(record.unobserved);
    for (const callId of this.missing) if (!unobserved.has(callId)) this.missing.delete(callId);
  }

  /** In order and without a gap, or there is something of another gateway in between that has to be read first. */
  noteWritten(seq: number): void {
    if (seq === this.seq + 1) this.seq = seq;
  }

  measure(): number {
    const { values, words } = this.flow;
    const before = this.weight;
    this.weight = 100 + values.size * 3 + words.request.size + words.known.size + words.prose.size;
    return this.weight - before;
  }
}
