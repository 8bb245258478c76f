/** A stop as it travels: between CLI, stop process, intake workflow and store. Plain data, no schema library (workflows read it). */
export type StopCategory = 0 | 1;

/** How the order reached us. `signal` and `watchdog` are latched on behalf of a task. */
export type StopMethod =
  | 'api'
  | 'cli'
  | 'console'
  | 'direct'
  | 'intake'
  | 'signal'
  | 'watchdog'
  | 'breaker'
  | 'trigger';

export interface StopOrder {
  /** Minted by the caller, so that a retry is the same stop. */
  readonly stopId: string;
  readonly scopeKey: string;
  readonly category: StopCategory;
  readonly graceMs: number;
  readonly reason: string;
  readonly actor: string;
  readonly method: StopMethod;
  /** W3C traceparent of whoever ordered it. Decides nothing: it may be missing on one road and there on the other. */
  readonly trace?: string;
  /** The tracestate that came with it. */
  readonly traceState?: string;
}

/** `accepted`: durable in the intake, not yet latched. `latched`: committed in the store, with its epoch. */
export type StopReceipt =
  | {
      readonly state: 'latched';
      readonly stopId: string;
      readonly epoch: number;
      readonly latchedAt: string;
      readonly fresh: boolean;
    }
  | { readonly state: 'accepted'; readonly stopId: string };

export type StopStage = 'latched' | 'fenced' | 'halted' | 'revoked' | 'proved';

export type ObligationState = 'open' | 'proved' | 'expired' | 'residual' | 'accepted-risk';
/**
 * `credential-probed`: the old credential itself was refused while the control was allowed. `accepted-risk`, of a whole stop alone:
 * some of it was not made dead; a person accepted that.
 */
export type Evidence = 'credential-probed' | 'issuer-attested' | 'nothing-to-revoke' | 'accepted-risk';
