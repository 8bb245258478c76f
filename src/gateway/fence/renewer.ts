import type { Log } from '../../contract/identity.ts';
import { renewEveryMs } from '../../contract/numbers.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { CallOutcome } from '../../store/calls.ts';
import type { Clock } from './clock.ts';
import type { Fence } from './fence.ts';
import type { FencePort } from './fence-port.ts';
import type { CutCall } from './open-calls.ts';

interface RenewerParts {
  readonly fence: Fence;
  readonly port: FencePort;
  readonly clock: Clock;
  readonly log: Log;
  readonly address: string;
  readonly newGatewayId: () => string;
  /** The version of the record of tools, with every renewal. */
  readonly onToolsVersion: (version: number) => void;
  /** The newest activation of policies, likewise. */
  readonly onPolicyActivation: (activation: number) => void;
  /** The version of the sealed secrets, likewise. */
  readonly onSecretsVersion: (version: number) => void;
  /** Calls that ended by themselves, and how is not in the ledger yet. */
  readonly settler: { unknownEnds(): readonly string[] };
}

/** More than one, so that a renewal that hangs does not hold up the next; few, because each holds a connection. */
const mostInFlight = 2;
/** In a gap nothing is admitted until the next renewal says that the intake was drained: worth asking more often. */
const renewInGapEveryMs = 200;

/**
 * Keeps the lease: one query a second, and one at once when somebody says that the stops have changed. A hint only makes it
 * sooner; without any hint a stop is seen one period later.
 */
export class Renewer {
  readonly #parts: RenewerParts;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #toSettle = new Map<string, CallOutcome>();
  #queued: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lapseTimer: NodeJS.Timeout | undefined;
  #isConfirming = false;
  #confirming: Promise<void> | undefined;
  #registering: Promise<void> | undefined;
  #confirmedEpoch = -1;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  /** Whether the store that answers under this id is the one that the view is of; a refusal for want of a mark does not say. */
  #isItsStore = false;
  #lastTrouble = '';
  #closed = false;

  constructor(parts: RenewerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#beat();
  }

  /**
   * Resolves when a renewal that was SENT after this call has been answered, or has failed: one that is in flight already may
   * have read the stops before what the caller knows of was committed.
   */
  renewNow(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#inFlight.size < mostInFlight) return this.#send();
    this.#queued ??= Promise.race(this.#inFlight).then(() => {
      this.#queued = undefined;
      return this.#send();
    });
    return this.#queued;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#lapseTimer);
    await Promise.allSettled([...this.#inFlight, this.#confirming, this.#registering]);
  }

  /** Cut calls, whose end the ledger must know before this gateway confirms. */
  noteCut(cut: readonly CutCall[]): void {
    // One that was not written yet is settled by its own pipeline, which alone knows whether its ADMIT ever committed.
    for (const call of cut) if (call.written) this.#toSettle.set(call.callId, 'possibly-completed');
  }

  #beat(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#beat(), this.#periodMs());
    if (this.#inFlight.size < mostInFlight) void this.#send();
  }

  /** A lease that stands on an old mark is short: the next mark is asked for before it ends. */
  #periodMs(): number {
    const { fence } = this.#parts;
    if (fence.inGap()) return renewInGapEveryMs;
    return Math.max(renewInGapEveryMs, Math.min(renewEveryMs, fence.remainingMs / 2));
  }

  #send(): Promise<void> {
    const sending = this.#renew().finally(() => this.#inFlight.delete(sending));
    this.#inFlight.add(sending);
    return sending;
  }

  async #renew(): Promise<void> {
    const { fence, port, clock } = this.#parts;
    try {
      if (fence.gatewayId === '') await this.#register();
      const gatewayId = fence.gatewayId;
      const sent = clock();
      const afterGap = fence.inGap();
      const asked = fence.seen;
      const reply = await port.renew(gatewayId, afterGap, asked?.epoch);
      if (this.#closed || gatewayId !== fence.gatewayId) return;
      this.#unlessLost(sent.mono, reply.confirmedEpoch);
      this.#take({ kind: 'reply', sent, received: clock(), afterGap, asked, reply });
      if (!reply.granted && reply.refusal === 'retired') await this.#register();
      if (reply.toolsVersion !== undefined) this.#parts.onToolsVersion(reply.toolsVersion);
      if (reply.policyActivation !== undefined) this.#parts.onPolicyActivation(reply.policyActivation);
      if (reply.secretsVersion !== undefined) this.#parts.onSecretsVersion(reply.secretsVersion);
      this.#report(reply.granted ? fence.refusal : reply.refusal);
    } catch (thrown) {
      this.#report(errorCodeOf(thrown));
    }
  }

  #take(event: Parameters<Fence['advance']>[0]): void {
    const { fence, clock } = this.#parts;
    this.noteCut(fence.advance(event));
    if (event.kind === 'reply' && event.reply.granted) this.#isItsStore = fence.refusal !== 'store-restored';
    clearTimeout(this.#lapseTimer);
    if (fence.remainingMs > 0) {
      this.#lapseTimer = setTimeout(() => this.#take({ kind: 'time', now: clock() }), fence.remainingMs + 1);
    }
    this.#confirm();
  }

  /** One at a time, so that two renewals that find it retired do not register twice. */
  #register(): Promise<void> {
    this.#registering ??= (async () => {
      const { fence, port, address, newGatewayId } = this.#parts;
      const gatewayId = newGatewayId();
      fence.registered(gatewayId, await port.register(gatewayId, address));
      this.#confirmedEpoch = -1;
      this.#isItsStore = false;
    })().finally(() => {
      this.#registering = undefined;
    });
    return this.#registering;
  }

  /**
   * What was confirmed, and is not on record any more, is confirmed once more: a primary that nobody waited for took it along, and the
   * stop, which had reached the standby, would wait for the next one. rule: confirm-that-epoch
   */
  #unlessLost(sentAt: number, onRecord: number | undefined): void {
    if (onRecord !== undefined && sentAt >= this.#confirmedAt)
      this.#confirmedEpoch = Math.min(this.#confirmedEpoch, onRecord);
  }

  /**
   * Confirms the epoch of a view that was acted on, once every call it cut has its end in the ledger, and every one that had been
   * lost before it could be cut: the report of the fence counts them the moment the last gateway has confirmed. A failure is tried again with the next renewal.
   * A store that is refused here is told nothing: there the same epoch may be that of another stop, which this gateway has never seen.
   * What is on its way while the address moves says which order it is about.
   * rule: confirm-that-epoch, possibly-completed
   */
  #confirm(): void {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    this.#confirming = this.#confirmAll();
  }

  #isToConfirm(): boolean {
    return this.#isItsStore && this.#parts.fence.viewEpoch > this.#confirmedEpoch;
  }

  async #confirmAll(): Promise<void> {
    const { fence, port, clock, log, settler } = this.#parts;
    try {
      while (this.#isToConfirm() || this.#toSettle.size > 0) {
        const { viewEpoch: epoch, viewOrder: order } = fence;
        const gatewayId = fence.gatewayId;
        for (const callId of settler.unknownEnds()) this.#toSettle.set(callId, 'possibly-completed');
        const ended = [...this.#toSettle].map(([callId, outcome]) => ({ callId, outcome }));
        if (ended.length > 0) await port.settle(ended);
        for (const { callId } of ended) this.#toSettle.delete(callId);
        if (epoch <= this.#confirmedEpoch || !this.#isToConfirm()) continue;
        // A refusal is not asked again at once: the next renewal tells what has become of this gateway or of the store.
        if (!(await port.confirm(gatewayId, epoch, order)) || gatewayId !== fence.gatewayId) break;
        this.#confirmedEpoch = epoch;
        this.#confirmedAt = clock().mono;
        log.info({ event: 'fence.confirmed', epoch, cut: ended.length }, 'the view of this epoch is confirmed');
      }
    } catch (thrown) {
      this.#report(errorCodeOf(thrown));
    }
    // In the tick of the last look at what is due: a view that arrives later starts a round of its own.
    this.#isConfirming = false;
  }

  /** Once per change, not once per second. */
  #report(trouble: string): void {
    if (trouble === this.#lastTrouble) return;
    this.#lastTrouble = trouble;
    const { log } = this.#parts;
    if (trouble === '') log.info({ event: 'lease.renewed' }, 'the lease is renewed again');
    else log.warn({ event: 'lease.trouble', code: trouble }, 'the lease could not be renewed');
  }
}
