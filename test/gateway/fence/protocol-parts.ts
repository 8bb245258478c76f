import type { LeaseReply } from '../../../src/gateway/fence/lease.ts';

/** Each takes one guard away; the names are those of the mutants of test/model/a2_fence.pml where it has one. */
export interface Sabotage {
  readonly noLease?: boolean;
  readonly leaseFromReceive?: boolean;
  readonly noFence2?: boolean;
  readonly noFence3?: boolean;
  readonly noDestroy?: boolean;
  readonly splitTick?: boolean;
  readonly viewInForceOnly?: boolean;
  readonly noStopsInAdmit?: boolean;
  readonly confirmAhead?: boolean;
  readonly expireAtOnce?: boolean;
  readonly resetUnfenced?: boolean;
  readonly splitRenewal?: boolean;
  readonly ignoreGap?: boolean;
  /** Fewer actors, where a counterexample is long and they would only be in its way. */
  readonly small?: boolean;
  /** A call is known to the registry only once ADMIT has answered. */
  readonly lateRegistration?: boolean;
}

export interface Renewal {
  readonly sentAt: number;
  readonly afterGap: boolean;
  stage: 'sent' | 'read' | 'committed';
  row: number;
  reply: LeaseReply | undefined;
}

export interface Call {
  readonly name: string;
  readonly keys: readonly string[];
  token: number | undefined;
  stage: 'idle' | 'fenced' | 'admitting' | 'admitted' | 'checked' | 'written' | 'over';
  /** Epochs of the stops that were latched before ADMIT looked. */
  latchedBefore: readonly number[];
  intent: boolean;
  written: boolean;
  cut: boolean;
  effect: boolean;
  settled: 'completed' | 'possibly-completed' | 'denied' | undefined;
}

export interface Stop {
  readonly stopId: string;
  readonly scopeKey: string;
  epoch: number;
  latchedAt: number;
  inForce: boolean;
  seenAt: number;
  fenced: boolean;
  reported: Set<string>;
}

/** Without a token it belongs to the second generation, which gets one after a reset. */
export const newCall = (name: string, token: number | undefined): Call => ({
  name,
  keys: ['fleet', 'agent:a'],
  token,
  stage: 'idle',
  latchedBefore: [],
  intent: false,
  written: false,
  cut: false,
  effect: false,
  settled: undefined,
});
