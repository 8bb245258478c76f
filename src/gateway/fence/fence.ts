import type { StopMark } from '../../core/credential.ts';
import type { Clock } from './clock.ts';
import { type EpochMemory, noMemory, type SeenEpoch } from './epoch-memory.ts';
import {
  advance,
  firstLease,
  inGap,
  type LeaseEvent,
  type LeaseState,
  type SeenOrder,
  type Standing,
  standing,
} from './lease.ts';
import type { CutCall, OpenCalls } from './open-calls.ts';
import { type Bearer, killerOf } from './view.ts';

export type FenceVerdict =
  | { readonly kind: 'clear' }
  | { readonly kind: 'dead'; readonly stop: StopMark }
  | { readonly kind: 'no-lease'; readonly why: string }
  /** The bearer was issued under an epoch that this view has not seen: renew, then ask again. */
  | { readonly kind: 'newer-than-view' };

/**
 * What this process knows of all stops, and whether it may still act on it. Every method is synchronous: whoever asks and then
 * writes in the same tick has written under what was asked.
 */
export class Fence {
  readonly #clock: Clock;
  readonly #openCalls: OpenCalls;
  readonly #memory: EpochMemory;
  #state: LeaseState | undefined;
  #gatewayId = '';
  #clockAheadMs = 0;
  #closed = false;

  constructor(clock: Clock, openCalls: OpenCalls, memory: EpochMemory = noMemory) {
    this.#clock = clock;
    this.#openCalls = openCalls;
    this.#memory = memory;
  }

  /** The id under which the ledger knows this gateway; empty before the first registration. */
  get gatewayId(): string {
    return this.#gatewayId;
  }

  get viewEpoch(): number {
    return this.#state?.view?.epoch ?? -1;
  }

  /** The newest order that was seen of the store. */
  get seen(): SeenOrder | undefined {
    return this.#state?.seen;
  }

  /** What took the epoch of the view; undefined where nothing did. */
  get viewOrder(): string | undefined {
    return this.#state?.seen?.epoch === this.viewEpoch ? this.#state.seen.order : undefined;
  }

  /** Why the last renewal was refused here, or empty. */
  get refusal(): string {
    return this.#state?.refusal ?? '';
  }

  /** Milliseconds until the lease runs out by itself; 0 without one. */
  get remainingMs(): number {
    return Math.max(0, (this.#state?.lease?.until ?? 0) - this.#clock().mono);
  }

  /** How far the clock of this machine is ahead of that of the store, as of the last renewal that was granted. */
  get clockAheadMs(): number {
    return this.#clockAheadMs;
  }

  /** A new id in the ledger. What was seen of the store before is kept: an older or another store stays refused. */
  registered(gatewayId: string, storeId: string): void {
    this.#gatewayId = gatewayId;
    const { recalled } = this.#memory;
    this.#state =
      this.#state === undefined
        ? firstLease(recalled?.storeId ?? storeId, recalled?.epoch, orderIn(recalled))
        : { ...this.#state, lease: undefined, gap: { kind: 'open' } };
  }

  standing(): Standing {
    if (this.#state === undefined || this.#closed) return { live: false, why: 'no-lease' };
    return standing(this.#state, this.#clock());
  }

  /**
   * Before this gateway is retired: its lease may have seconds to run, but later stops wait no longer for what is retired, so a
   * request that was still arriving may not use them. Returns what was cut.
   */
  close(): readonly CutCall[] {
    this.#closed = true;
    return this.#openCalls.cutAll({ kind: 'closing' });
  }

  inGap(): boolean {
    return this.#state === undefined || inGap(this.#state, this.#clock());
  }

  check(bearer: Bearer): FenceVerdict {
    const now = this.standing();
    if (!now.live) return { kind: 'no-lease', why: now.why };
    // First: a view from before a reset must not judge what was issued after it. rule: newer-token-renews-first
    if (bearer.epoch > now.view.epoch) return { kind: 'newer-than-view' };
    const stop = killerOf(now.view, bearer);
    return stop === undefined ? { kind: 'clear' } : { kind: 'dead', stop };
  }

  /** Takes a reply, or the time, into the state, and cuts in the same tick what may not go on. Returns what was cut. */
  advance(event: LeaseEvent): readonly CutCall[] {
    if (this.#state === undefined) return [];
    this.#state = advance(this.#state, event);
    if (event.kind === 'reply' && event.reply.granted)
      this.#clockAheadMs = (event.sent.wall + event.received.wall) / 2 - event.reply.storeNow;
    const { storeId, view } = this.#state;
    if (view !== undefined) this.#memory.note({ storeId, epoch: view.epoch, order: this.viewOrder });
    const covered = view === undefined ? [] : this.#openCalls.cutCovered(view);
    // A dead man's switch: a gateway that can no longer learn of stops ends what it has running, not only what is new.
    return this.#state.lease === undefined ? [...covered, ...this.#openCalls.cutAll({ kind: 'no-lease' })] : covered;
  }
}

const orderIn = (recalled: SeenEpoch | undefined): SeenOrder | undefined =>
  recalled?.order === undefined ? undefined : { epoch: recalled.epoch, order: recalled.order };
