import { leaseMs } from '../../../src/contract/numbers.ts';
import { advance, firstLease, inGap, type LeaseState, standing } from '../../../src/gateway/fence/lease.ts';
import { type Bearer, createView, killerOf, type StopInView } from '../../../src/gateway/fence/view.ts';
import { type Call, newCall, type Renewal, type Sabotage, type Stop } from './protocol-parts.ts';

const step = 1_000;
const horizon = 10 * step;

/**
 * The gateway's real lease and view, run by hand against a store that is as slow, and processes that are as suspended, as the
 * schedule says: the interleavings of test/model/a2_fence.pml. Whoever drives it picks one enabled step at a time.
 */
export class ProtocolWorld {
  now = 0;
  epoch = 0;
  readonly stops: Stop[] = [];
  rowUntil = 0;
  confirmed = 0;
  drainedAt = -1;
  state: LeaseState = firstLease('store');
  readonly renewals: Renewal[] = [];
  readonly calls: Call[];
  readonly unsettledCuts = new Set<Call>();
  busy: Call | undefined;
  answered = 0;
  readonly #sabotage: Sabotage;

  constructor(sabotage: Sabotage = {}) {
    this.#sabotage = sabotage;
    this.calls =
      sabotage.small === true
        ? [newCall('old', 0)]
        : [newCall('old', 0), newCall('old-2', 0), newCall('new', undefined)];
  }

  /** Every step that could be next, in a fixed order. Asked millions of times: nothing is made that is not returned. */
  enabled(): readonly (() => void)[] {
    const steps: (() => void)[] = [];
    const idle = this.busy === undefined;
    const most = this.#sabotage.small === true ? 1 : 2;
    if (this.now < horizon) steps.push(() => (this.now += step));
    if (this.stops.length < most) steps.push(() => this.#latch());
    if (this.drainedAt <= this.now) steps.push(() => (this.drainedAt = this.now + 0.5));
    if (idle && this.renewals.length < most) steps.push(() => this.#send());
    for (const renewal of this.renewals) this.#renewalSteps(renewal, idle, steps);
    if (idle && (this.state.view?.epoch ?? 0) > this.confirmed) steps.push(() => this.#confirm());
    for (const stop of this.stops) {
      if (!stop.fenced && this.#mayReport(stop)) steps.push(() => this.#report(stop));
      if (stop.inForce && (stop.fenced || this.#sabotage.resetUnfenced === true)) steps.push(() => this.#reset(stop));
    }
    for (const call of this.calls) this.#callSteps(call, idle, steps);
    return steps;
  }

  #renewalSteps(renewal: Renewal, idle: boolean, steps: (() => void)[]): void {
    if (renewal.stage === 'sent') steps.push(() => this.#read(renewal));
    else if (renewal.stage === 'read') steps.push(() => this.#commit(renewal));
    else {
      if (idle) steps.push(() => this.#deliver(renewal));
      steps.push(() => this.#drop(renewal));
    }
  }

  #callSteps(call: Call, idle: boolean, steps: (() => void)[]): void {
    switch (call.stage) {
      case 'idle':
        if (call.token === undefined && this.stops.length > 0 && this.stops.every((stop) => !stop.inForce))
          steps.push(() => (call.token = this.epoch));
        if (idle && call.token !== undefined && this.#isClear(call, false)) steps.push(() => (call.stage = 'fenced'));
        return;
      case 'fenced':
        steps.push(() => this.#admit(call));
        return;
      case 'admitting':
        if (idle) steps.push(() => (call.stage = 'admitted'));
        return;
      case 'admitted':
        if (idle) steps.push(() => this.#check(call));
        return;
      case 'checked':
        steps.push(() => this.#write(call));
        return;
      case 'written':
        // Bytes outlive the socket: the effect may come after the call was cut.
        if (!call.effect) steps.push(() => this.#effect(call));
        else if (idle && !call.cut) steps.push(() => this.#answer(call));
        return;
      case 'over':
        if (call.written && !call.effect) steps.push(() => this.#effect(call));
    }
  }

  #check(call: Call): void {
    if (call.cut || !(this.#sabotage.noFence2 === true || this.#isClear(call, false))) return this.#end(call, 'denied');
    call.stage = 'checked';
    // One tick: until the write this thread does nothing else, but it may be suspended here for long.
    if (this.#sabotage.splitTick !== true) this.busy = call;
  }

  #write(call: Call): void {
    call.stage = 'written';
    call.written = true;
    this.busy = undefined;
  }

  #latch(): void {
    this.epoch += 1;
    const first = this.stops.length === 0;
    this.stops.push({
      stopId: first ? 's0' : 's1',
      scopeKey: first ? 'agent:a' : 'fleet',
      epoch: this.epoch,
      latchedAt: this.now,
      inForce: true,
      seenAt: this.now,
      fenced: false,
      reported: new Set(),
    });
  }

  #reset(stop: Stop): void {
    stop.inForce = false;
    this.epoch += 1;
  }

  #send(): void {
    this.renewals.push({
      sentAt: this.now,
      afterGap: inGap(this.state, this.#clock()),
      stage: 'sent',
      row: 0,
      reply: undefined,
    });
  }

  /** The statement's snapshot; with a split renewal the row is taken later than the stops. */
  #read(renewal: Renewal): void {
    renewal.row = this.now;
    renewal.reply = {
      granted: true,
      markAgeMs: 0,
      epoch: this.epoch,
      storeId: 'store',
      storeNow: this.now,
      drainedAt: this.drainedAt,
      stops: this.#view(),
    };
    renewal.stage = 'read';
  }

  #commit(renewal: Renewal): void {
    if (this.#sabotage.splitRenewal === true) renewal.row = this.now;
    this.rowUntil = Math.max(this.rowUntil, renewal.row + leaseMs);
    renewal.stage = 'committed';
  }

  #deliver(renewal: Renewal): void {
    this.#drop(renewal);
    if (renewal.reply === undefined) return;
    const received = this.#clock();
    const late = this.#sabotage.leaseFromReceive === true || this.#sabotage.splitRenewal === true;
    const sent = late ? received : { mono: renewal.sentAt, wall: renewal.sentAt };
    this.state = advance(this.state, {
      kind: 'reply',
      sent,
      received,
      afterGap: renewal.afterGap,
      reply: renewal.reply,
    });
    const { view } = this.state;
    if (view === undefined || this.#sabotage.noDestroy === true) return;
    for (const call of this.calls) {
      const early = this.#sabotage.lateRegistration !== true && (call.stage === 'fenced' || call.stage === 'admitting');
      const open = early || call.stage === 'admitted' || call.stage === 'written';
      if (!open || call.cut || killerOf(view, this.#bearer(call)) === undefined) continue;
      this.#expect(this.#isDead(call), `${call.name} was cut, though nothing kills it`);
      call.cut = true;
      if (call.written) this.unsettledCuts.add(call);
      else if (call.stage === 'admitted') this.#end(call, 'denied');
    }
  }

  #drop(renewal: Renewal): void {
    this.renewals.splice(this.renewals.indexOf(renewal), 1);
  }

  #confirm(): void {
    for (const call of this.unsettledCuts) this.#end(call, 'possibly-completed');
    this.unsettledCuts.clear();
    this.confirmed = this.#sabotage.confirmAhead === true ? 99 : (this.state.view?.epoch ?? 0);
  }

  #mayReport(stop: Stop): boolean {
    const waited = this.#sabotage.expireAtOnce === true || this.now >= stop.seenAt + leaseMs;
    return this.confirmed >= stop.epoch || (this.rowUntil < this.now && waited);
  }

  /** As report_fence counts: what is settled so, and what an expired gateway has left unsettled. */
  #report(stop: Stop): void {
    stop.fenced = true;
    const expired = this.confirmed < stop.epoch;
    for (const call of this.calls) {
      if (!this.#covers(stop, call) || !call.intent) continue;
      if (expired && call.settled === undefined) call.settled = 'possibly-completed';
      if (call.settled === 'possibly-completed') stop.reported.add(call.name);
    }
  }

  #admit(call: Call): void {
    call.latchedBefore = this.stops.map((stop) => stop.epoch);
    if (this.#sabotage.noStopsInAdmit !== true && this.#isDead(call)) {
      call.stage = 'over';
      return;
    }
    call.intent = true;
    call.stage = 'admitting';
  }

  #effect(call: Call): void {
    call.effect = true;
    for (const stop of this.stops) {
      if (!this.#covers(stop, call)) continue;
      if (stop.fenced) {
        this.#expect(
          stop.reported.has(call.name),
          `${call.name} had its effect after ${stop.stopId} was fenced, unreported`,
        );
        this.#expect(
          !call.latchedBefore.includes(stop.epoch),
          `${call.name} was admitted after ${stop.stopId} was latched`,
        );
      }
      if (!stop.inForce)
        this.#expect(
          stop.reported.has(call.name),
          `${call.name} had its effect after the reset of ${stop.stopId}, unreported`,
        );
    }
  }

  #answer(call: Call): void {
    if (!(this.#sabotage.noFence3 === true || this.#isClear(call, true))) return this.#end(call, 'possibly-completed');
    for (const stop of this.stops) {
      this.#expect(
        !(stop.fenced && this.#covers(stop, call)),
        `an answer of ${call.name} went out after ${stop.stopId} was fenced`,
      );
    }
    this.answered += 1;
    this.#end(call, 'completed');
  }

  #end(call: Call, outcome: NonNullable<Call['settled']>): void {
    call.stage = 'over';
    call.settled ??= outcome;
  }

  #isClear(call: Call, written: boolean): boolean {
    const at =
      this.#sabotage.noLease === true && this.state.lease !== undefined ? this.state.lease.sent : this.#clock();
    const state: LeaseState =
      this.#sabotage.ignoreGap === true ? { ...this.state, gap: { kind: 'closed' } } : this.state;
    const now = standing(state, at);
    if (!now.live || killerOf(now.view, this.#bearer(call)) !== undefined) return false;
    return written || (call.token ?? 0) <= now.view.epoch;
  }

  #view(): readonly StopInView[] {
    const kept = this.#sabotage.viewInForceOnly === true ? this.stops.filter((stop) => stop.inForce) : this.stops;
    return kept.map(({ stopId, scopeKey, epoch, inForce }) => ({ stopId, scopeKey, epoch, inForce, agents: [] }));
  }

  #isDead(call: Call): boolean {
    const all = this.stops.map(({ stopId, scopeKey, epoch, inForce }) => ({
      stopId,
      scopeKey,
      epoch,
      inForce,
      agents: [],
    }));
    return killerOf(createView(this.epoch, all), this.#bearer(call)) !== undefined;
  }

  #covers(stop: Stop, call: Call): boolean {
    return call.keys.includes(stop.scopeKey) && (call.token ?? 0) < stop.epoch;
  }

  #bearer(call: Call): Bearer {
    return { keys: call.keys, agents: ['a'], epoch: call.token ?? 0 };
  }

  #clock(): { readonly mono: number; readonly wall: number } {
    return { mono: this.now, wall: this.now };
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) throw new Error(otherwise);
  }
}
