import type { StopMark } from '../../core/credential.ts';
import { type Bearer, type FenceView, killerOf } from './view.ts';

export type CutReason =
  | { readonly kind: 'stopped'; readonly stop: StopMark }
  | { readonly kind: 'no-lease' }
  | { readonly kind: 'client-gone' }
  | { readonly kind: 'closing' };

/** One call between the decision to ask for its admission and its answer. */
export interface OpenCall {
  readonly callId: string;
  readonly bearer: Bearer;
  /** Whether bytes of it were given to the upstream's socket: from then on it may have had its effect. */
  readonly isWritten: () => boolean;
  /** A stream that stays open between calls: it is cut like one, and a gateway that closes does not wait for it. */
  readonly isBackground?: boolean;
  /** Synchronous: after it returns this process sends nothing more for the call and takes no answer. */
  readonly destroy: (reason: CutReason) => void;
}

export interface CutCall {
  readonly callId: string;
  readonly written: boolean;
}

/**
 * The calls that a stop must reach. A call stands here from before its ADMIT until its answer has gone out, so that none is
 * missed while it waits for the store, for a socket or for the upstream.
 */
export class OpenCalls {
  readonly #calls = new Map<string, OpenCall>();

  get size(): number {
    let size = 0;
    for (const call of this.#calls.values()) if (call.isBackground !== true) size += 1;
    return size;
  }

  has(callId: string): boolean {
    return this.#calls.has(callId);
  }

  add(call: OpenCall): void {
    this.#calls.set(call.callId, call);
  }

  remove(callId: string): void {
    this.#calls.delete(callId);
  }

  /** rule: destroy-in-flight */
  cutCovered(view: FenceView): readonly CutCall[] {
    if (view.stops.length === 0) return [];
    return this.#cut((call) => {
      const stop = killerOf(view, call.bearer);
      return stop === undefined ? undefined : { kind: 'stopped', stop };
    });
  }

  cutAll(reason: CutReason): readonly CutCall[] {
    return this.#cut(() => reason);
  }

  #cut(reasonFor: (call: OpenCall) => CutReason | undefined): readonly CutCall[] {
    const cut: CutCall[] = [];
    for (const call of this.#calls.values()) {
      const reason = reasonFor(call);
      if (reason === undefined) continue;
      cut.push({ callId: call.callId, written: call.isWritten() });
      this.#calls.delete(call.callId);
      call.destroy(reason);
    }
    return cut;
  }
}
