/**
 * The contract of a connector: the adapter to ONE external system that issues short-lived grants to a task and cuts access off.
 * What "revoke" really means per system, tested, is the hard part; this file only says what every system must answer.
 */
import type { z } from 'zod';
import type { CuttingPhase } from '../../contract/phases.ts';

/** Non-secret, JSON: whatever is needed to kill the grant even if the issuer's reply was lost. Known BEFORE the issuer is asked. */
export type GrantHandle = Readonly<Record<string, string | number | boolean | null>>;
/** Secret, JSON: what the agent gets. Sealed at rest, never logged, never in a history. */
export type GrantSecret = Readonly<Record<string, string | number | boolean | null>>;

export interface GrantPlan {
  readonly grantId: string;
  readonly environment: string;
  readonly agentId: string;
  readonly taskId: string;
  /** Carried in the names of what is created, so that a coarse cut of one generation never meets another. */
  readonly epoch: number;
  /** From estop.yaml: what this connector understands (role, queue, scope ..), already parsed by `grantSchema`. */
  readonly options: unknown;
}

export interface PlannedGrant {
  readonly target: string;
  readonly handle: GrantHandle;
  /** This grant's target is one that generations share, although the system need not (`generations` is its default). */
  readonly shared?: boolean;
}

/** One grant as the ledger knows it. `secret` is present only where a phase or probe needs the old credential itself. */
export interface LedgerGrant {
  readonly grantId: string;
  readonly environment: string;
  readonly agentId: string;
  readonly taskId: string;
  readonly epoch: number;
  readonly target: string;
  readonly handle: GrantHandle;
  readonly secret: GrantSecret | undefined;
  /** Absolute end, told to the issuer at issue. ISO 8601. */
  readonly absoluteEnd: string;
  readonly state: 'intended' | 'issued' | 'ended';
}

export type RevokeResult =
  | { readonly kind: 'revoked' }
  /** Only if this connector saw the target before it cut (a snapshot): a bare 404 is `not-found-unconfirmed`. */
  | { readonly kind: 'already-gone' }
  | { readonly kind: 'residual-until'; readonly until: string; readonly why: string }
  | { readonly kind: 'not-found-unconfirmed'; readonly why: string }
  | { readonly kind: 'retryable'; readonly why: string; readonly retryAfterMs?: number }
  /** Our own credential is refused, or a person must act. A label: the lane goes on trying, slowly. */
  | { readonly kind: 'needs-human'; readonly why: string };

export type ProbeResult =
  /** Affirmative, with the right shape (status AND body): a time-out, 5xx or HTML page is `inconclusive`. */
  | { readonly kind: 'denied'; readonly why: string; readonly evidence: 'credential-probed' | 'issuer-attested' }
  | { readonly kind: 'allowed'; readonly why: string }
  | { readonly kind: 'residual-until'; readonly until: string; readonly why: string }
  | { readonly kind: 'inconclusive'; readonly why: string };

/** The same question asked as the control identity, outside every scope: only `allowed` makes a denial count. */
export type ControlResult = { readonly kind: 'allowed' } | { readonly kind: 'not-allowed'; readonly why: string };

export type Listed = 'present' | 'absent' | 'unknown';

export interface SelfCheck {
  readonly ok: boolean;
  readonly findings: readonly string[];
}

export interface CallContext {
  /** Aborted at the attempt's deadline or when the worker shuts down. */
  readonly signal: AbortSignal;
}

export interface Connector {
  /** Pure: names what WILL be created. */
  plan(request: GrantPlan): PlannedGrant;
  /** Creates it, with an end no later than `absoluteEnd`. Throws EstopError (connector-unavailable, -refused, -garbage). */
  issue(grant: LedgerGrant, context: CallContext): Promise<GrantSecret>;
  /** One idempotent phase. Never throws for an expected outcome; throws EstopError for what it could not reach. */
  cut(phase: CuttingPhase, grant: LedgerGrant, context: CallContext): Promise<RevokeResult>;
  /**
   * Uses the OLD credential (existing session, fresh login, renewal: whichever the system has), N times over its window. Without one
   * (an issue whose answer was lost) `denied` also says that nothing can be made under its name any more.
   */
  probe(grant: LedgerGrant, context: CallContext): Promise<ProbeResult>;
  /** The control identity does what `probe` does and must be allowed. */
  control(grant: LedgerGrant, context: CallContext): Promise<ControlResult>;
  /**
   * For an `intended` grant whose reply was lost: does the issuer list anything under this handle that could still act? `unknown` where
   * it can be asked for nothing by that handle.
   */
  lists(grant: LedgerGrant, context: CallContext): Promise<Listed>;
  selfCheck(context: CallContext): Promise<SelfCheck>;
  close(): Promise<void>;
}

/** What the host must know of a system without an instance: data, so that queues, windows, docs and tests derive from it. */
export interface ConnectorSystem<Options = unknown> {
  /** Equal to its folder's name. */
  readonly system: string;
  /** zod schema of this connector's block in estop.yaml, without `system`. Secrets by reference only (kit/secret-reference.ts). */
  readonly optionsSchema: z.ZodType<Options>;
  /** zod schema of `grants[].options` in an agent's block. */
  readonly grantSchema: z.ZodType;
  /** `grants[].options` of a credential that is made to be thrown away: it opens as little as can be. Absent: this system issues none. */
  readonly drill?: unknown;
  readonly phases: readonly CuttingPhase[];
  /** Attempts at one time against one instance. */
  readonly concurrency: number;
  /** How long after the last cut an effect may still arrive (model: b2_prove, MEND_SETTLE). */
  readonly settleMs: number;
  /** Deadline of one attempt. */
  readonly attemptMs: number;
  /** `own`: each grant has principals of its own. `shared`: generations cannot be told apart at the target. */
  readonly generations: 'own' | 'shared';
  create(options: Options, host: ConnectorHost): Connector;
}

export interface ConnectorHost {
  readonly connectorId: string;
  readonly environment: string;
  readSecret(reference: SecretReference): string;
  now(): Date;
}

/** A secret in estop.yaml is never a value. */
export type SecretReference = { readonly file: string } | { readonly env: string };
