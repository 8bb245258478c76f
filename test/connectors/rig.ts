import type { FaultProxy } from '../../examples/demo/fault-proxy.ts';
import type { ConnectorSystem, GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import type { CuttingPhase } from '../../src/contract/phases.ts';

/**
 * What the contract suite (contract.test.ts) needs of one real system. To add a system:
 *
 * 1. write `test/connectors/<system>.rig.ts` that exports `rigs: readonly Rig[]`, one for each server it can be tested against;
 * 2. add that list to `allRigs` in rigs.ts. A member of the registry without a rig fails the suite.
 *
 * The connector under test always reaches its server through `proxy`; everything the rig itself does (the agent's calls, counting,
 * breaking, mending) goes straight to the server, so that a fault never blinds the one who watches.
 */
export interface Rig {
  /** As in the registry. */
  readonly system: string;
  /** The connector itself, where it is in no registry (key-vault.test.ts). */
  readonly connector?: ConnectorSystem;
  /** What a reader of the test report should see: 'PostgreSQL 18'. */
  readonly server: string;
  /** Why it cannot run on this machine and what to install; undefined: it can. */
  readonly missing?: string | undefined;
  /**
   * How a cut ends here. Default 'denied'. 'residual': the old credential is accepted to its own end whatever anyone does (a
   * self-contained token), so the suite wants it named with that end and never called denied.
   */
  readonly ends?: 'denied' | 'residual';
  /** Faults that cannot be made for this system, each with the reason; the suite lists them as skipped. */
  readonly skips?: Partial<Readonly<Record<Fault, string>>>;
  start(): Promise<RunningRig>;
}

/** The faults whose test a rig may skip, with a reason. */
export type Fault =
  | 'credential-refused'
  | 'rate-limited'
  | 'server-error'
  | 'garbage'
  /** The reply to an issue is lost. */
  | 'issue-lost'
  /** The reply to a phase is lost. */
  | 'reply-lost'
  | 'never-existed'
  | 'lying'
  | 'control-down'
  | 'self-check'
  | 'injection'
  /** No fault: whether a secret is said. Skipped where neither we nor the agent have one. */
  | 'secrets';

export type Step = 'issue' | CuttingPhase;

export interface RunningRig {
  /** Stands between the connector and the real server. The suite adds and removes toxics; it removes all of them after each test. */
  readonly proxy: FaultProxy;
  /** The connector's block of estop.yaml, before its schema has parsed it. Its address is that of `proxy`. */
  readonly options: unknown;
  /** What `{env: NAME}` references in `options` resolve to. The suite greps every error and result for these values. */
  readonly secrets: Readonly<Record<string, string>>;
  /** A `grants[].options` block, before its schema has parsed it. */
  readonly grantOptions: unknown;
  /** Further grant options that must be refused by the schema, or be harmless: names with quotes, `;`, `../`, `%00`, 1 MB. */
  readonly injections: readonly unknown[];

  /** The agent uses its credential once. 'worked' only if the target really did something for it. */
  useAsAgent(grant: LedgerGrant, secret: GrantSecret): Promise<'worked' | 'refused'>;
  /** How many uses the TARGET has recorded for this grant, in its own log, tables or history. */
  countInTarget(grant: LedgerGrant): Promise<number>;
  /**
   * Opens what outlives a credential: a session, a stream, a queued or repeating job, a running workflow. `alive` asks the target
   * whether it still has any effect.
   */
  openLasting(grant: LedgerGrant, secret: GrantSecret): Promise<{ alive(): Promise<boolean>; close(): Promise<void> }>;
  /** Makes the OLD credential work again behind the connector's back, after a cut: what a system that lies would look like. */
  revive(grant: LedgerGrant, secret: GrantSecret): Promise<void>;
  /** Takes the control identity's rights away. The function returned gives them back. */
  breakControl(): Promise<() => Promise<void>>;
  /** The system refuses the connector's own credential (401, 403, 28P01). The function returned undoes it. */
  refuseOurCredential(): Promise<() => Promise<void>>;
  /** Takes something away that selfCheck must name, and says a word that its finding must hold. */
  breakSelfCheck(): Promise<{ readonly finding: RegExp; undo(): Promise<void> }>;
  /** Bytes by which the request of this step is recognised on the wire; undefined: the step sends none, reason in the second field. */
  marker(step: Step): { readonly bytes: string } | { readonly none: string };
  /** The raw answers of the faults 'rate-limited' (with Retry-After), 'server-error' and 'garbage'. */
  replies(): Partial<Readonly<Record<'rate-limited' | 'server-error' | 'garbage', string>>>;
  /** A grant of this system that was planned and never issued is enough for 'never-existed'; nothing to supply here. */
  stop(): Promise<void>;
}

/** The environment and the connector's name under which the suite runs: what a connector's control identity is named after. */
export const environment = 'test';
/** Test files run at the same time on the same servers: what each makes there must be its own. */
export const rigConnectorId = `under-test-${process.pid}`;
