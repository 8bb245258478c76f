import type { ConfigSource, SecretAt } from '../contract/config.ts';
import type { FlowKeys } from '../contract/flow-keys.ts';
import type { Authenticator, Log, OperatorProofs, TaskTokenSigner } from '../contract/identity.ts';
import type { SecretSealer } from '../contract/secret.ts';
import type { PolicyFiles } from '../policy/parse-set.ts';
import type { Store } from '../store/pool.ts';
import type { ClientDocuments } from './agent-clients/client-documents.ts';
import type { ApproverList } from './approvers/approver-list.ts';
import type { OpenPayloads } from './codec/codec-door.ts';
import type { EventFeed } from './events/event-feed.ts';
import type { ControlWatch } from './metrics.ts';
import type { RefusedAttempts } from './refused-attempts.ts';
import type { Callers } from './sign-in/callers.ts';
import type { IdentityProvider } from './sign-in/identity-provider.ts';
import type { StoreClock } from './store-clock.ts';
import type { TaskWorkflows } from './task-workflows.ts';

/** Everything control needs, injected. */
export interface ControlDeps {
  readonly environment: string;
  readonly store: Store;
  /** By which the times of the ledger were taken, and are told. */
  readonly clock: StoreClock;
  readonly config: ConfigSource;
  /** Those that come with estop. */
  readonly policies: PolicyFiles;
  readonly authenticator: Authenticator;
  readonly callers: Callers;
  readonly proofs: OperatorProofs;
  readonly identityProvider: IdentityProvider;
  /** Only where nobody but this machine can reach us: a link signs in whoever opens it first. */
  readonly loginLinks: boolean;
  readonly signer: TaskTokenSigner;
  readonly workflows: TaskWorkflows;
  readonly flowKeys: FlowKeys;
  /** Seals credentials of upstreams; this process has no right to read them back. */
  readonly secretSealer: SecretSealer;
  readonly events: EventFeed;
  /** 15 s unless said otherwise. */
  readonly eventHeartbeatMs?: number;
  readonly log: Log;
  /** Made by the app: what is counted of those who may not. */
  readonly refused?: RefusedAttempts;
  readonly approvers: ApproverList;
  readonly watch?: ControlWatch;
  /** For the remote codec of Temporal; without it there is none. */
  readonly openPayloads?: OpenPayloads;
  /** Before the agents are in the ledger no task of theirs can be registered. */
  readonly isConfigApplied: () => boolean;
  /** Named to whoever brings a stop here. */
  readonly stopUrl: string;
  /** Names and origins under which this API may be called, beside loopback. */
  readonly controlUrl: string;
  /** Under which other services reach it besides. */
  readonly hostNames?: readonly string[];
  readonly temporalUiUrl: string | undefined;
  /** Proxies that say truly where a request comes from. */
  readonly trustedProxies?: readonly string[];
  /** Newest first: they mark what clients of MCP are called. Without them no person can connect one. */
  readonly clientKeys?: () => readonly Uint8Array[];
  /** What clients of MCP publish of themselves. Without it none is known by its address. */
  readonly clientDocuments?: ClientDocuments;
  /** Where agents call. */
  readonly gatewayUrl?: string;
  /** How long a person is shown a call of the highest risk before they can approve it; 3 s unless said otherwise. */
  readonly minimumLookMs?: number;
  /** Secrets of triggers and of chats. Without it nothing that they sign is taken. */
  readonly readSecret?: (at: SecretAt) => string;
}
