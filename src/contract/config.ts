/** The parsed estop.yaml. The schema that parses it is src/runtime/config/schema.ts; everything inside trusts these types. */
import type { ApprovalLimits } from '../core/approval.ts';
import type { BreakerRule } from '../core/breaker.ts';
import type { BudgetLimits } from '../core/budget.ts';
import type { Role, Tier } from '../core/flow/facts.ts';
import type { PersonRole, RoleRule } from '../core/mandate.ts';
import type { Playbook } from '../core/playbook.ts';
import type { NotificationsSpec } from './notifications.ts';
import type { TriggerSpec } from './triggers.ts';

/** Where a secret lies: exactly one of them. */
export interface SecretAt {
  readonly file?: string;
  readonly env?: string;
  /** Sealed in the store, by name. Gateways alone open it. */
  readonly secret?: string;
  /** In the vault of the configuration. Gateways alone read it. */
  readonly vault?: { readonly path: string; readonly field: string };
}

/** A credential that is issued to each task at its first call, and that nobody but the gateway ever has. */
export interface GrantCredential {
  readonly connector: string;
  /** Which part of what was issued is the bearer token. */
  readonly field: string;
  readonly lifeMs: number;
  /** Parsed by the connector's `grantSchema`. */
  readonly options: unknown;
}

export interface VaultSpec {
  readonly url: string;
  readonly network: 'public' | 'private' | 'loopback';
  readonly mount: string;
  readonly namespace?: string;
  readonly token?: SecretAt;
  readonly appRole?: { readonly roleId: SecretAt; readonly secretId: SecretAt; readonly mount: string };
  /** How long a value is used before it is read again. */
  readonly refreshMs: number;
  /** How long a value is used while the vault does not answer. */
  readonly staleMs: number;
}

export interface AgentLimits {
  readonly maxSteps: number;
  readonly maxTokens: number;
  readonly maxDepth: number;
  readonly maxFanOut: number;
  readonly maxOpenTasks: number;
  readonly approvalTtlMs: number;
}

/** Of a session that stands for an agent outside. */
export interface SessionLimits {
  readonly idleMs: number;
  readonly lifeMs: number;
}

export const defaultSessionLimits: SessionLimits = { idleMs: 30 * 60_000, lifeMs: 12 * 3_600_000 };

export interface GrantSpec {
  /** The name by which the task asks for it. */
  readonly name: string;
  readonly connector: string;
  readonly lifeMs: number;
  /** `start` where nothing is said: issued when the task begins. `first-use`: when it is asked for. */
  readonly when?: 'start' | 'first-use';
  /** Parsed by the connector's `grantSchema`. */
  readonly options: unknown;
}

/** `ask`: a human decides each call. What is not listed is denied. */
export type ToolMark = 'allow' | 'ask';

export interface AgentSpec {
  readonly agentId: string;
  readonly owner: string;
  readonly stopHolder: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly model: string;
  /** Others that it may use besides. */
  readonly models?: readonly string[];
  /** Key: `<server>/<tool>` or `<server>/*`. */
  readonly tools: Readonly<Record<string, ToolMark>>;
  /** `<server>/<uri>` or `<server>/<beginning of a uri>*`. What neither this nor `<server>/*: allow` names is denied. */
  readonly resources?: readonly string[];
  /** `<server>/<prompt>` or `<server>/*`, in the same way. */
  readonly prompts?: readonly string[];
  /** Same keys: how many different people must approve a call. One where nothing is said. */
  readonly approvers?: Readonly<Record<string, 1 | 2>>;
  readonly approvals?: ApprovalLimits;
  /** Whether whoever answers for it may approve its calls; not where nothing is said. */
  readonly ownerApproves?: boolean;
  readonly session?: SessionLimits;
  readonly grants: readonly GrantSpec[];
  /** Agents whose tasks this agent's tasks may start. */
  readonly mayStart: readonly string[];
  /** How far those tasks may go: no further than this agent where nothing is said, or as far as their own agents may. */
  readonly delegation?: 'intersect' | 'own';
  /** Addresses, accounts and names of those it works for; what goes to them stays at home. */
  readonly identities?: readonly string[];
  /** Name -> the addresses that this name is known to bear. */
  readonly contacts?: Readonly<Record<string, readonly string[]>>;
  /** Programs that may open a session of it by themselves, and what each shows for that. */
  readonly clients?: Readonly<Record<string, SecretAt>>;
  readonly limits: AgentLimits;
  readonly budgets?: BudgetLimits;
  readonly breakers?: readonly BreakerRule[];
}

export interface ConnectorSpec {
  readonly connectorId: string;
  readonly system: string;
  /** Parsed by the system's `optionsSchema`. */
  readonly options: unknown;
}

/** A server that the gateway starts itself, one process a task. Never through a shell. */
export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** All that it gets besides a plain PATH. A text stands for itself; a secret is named. */
  readonly env: Readonly<Record<string, string | SecretAt>>;
  /** The account it runs under; without one, that of the gateway. */
  readonly user?: string;
}

/** Reached under its `url`, or started as a `process`: exactly one of the two. */
export interface ToolServerSpec {
  readonly serverId: string;
  readonly url?: string;
  readonly process?: ProcessSpec;
  /** By tool: what a person decided instead of what is proposed. */
  readonly tiers?: Readonly<Record<string, Tier>>;
  readonly labels?: Readonly<Record<string, readonly string[]>>;
  /** By tool, then by argument; `none`: nothing to check. */
  readonly roles?: Readonly<Record<string, Readonly<Record<string, Role | 'none'>>>>;
  /** Its own annotations may lower a tier. Any server's may raise one. */
  readonly trusted?: boolean;
  /** What the gateway lists with; and what is sent on agents' calls, unless `credentials` or `grant` says otherwise. */
  readonly credential?: SecretAt;
  /** By agent. One that is not named here has none, and is denied. */
  readonly credentials?: Readonly<Record<string, SecretAt>>;
  readonly grant?: GrantCredential;
  /** Agents that may be known to this server by one and the same credential. Without it no two are. */
  readonly sharedBy?: readonly string[];
}

/** In microcents per token: one unit of currency per million tokens is 100. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  /** As `input` where it is not given. */
  readonly cachedInput?: number;
  /** Twice `input` where it is not given. */
  readonly cacheWrite?: number;
}

export interface ModelSpec {
  readonly modelId: string;
  readonly provider: 'openai-compatible' | 'openai' | 'anthropic';
  readonly model: string;
  readonly baseUrl?: string;
  readonly apiKey?: SecretAt;
  /** How far away its provider may be; `public` where nothing is said. */
  readonly network?: 'public' | 'private' | 'loopback';
  /** Without one it is not called. */
  readonly price?: ModelPrice;
  /** The most that one call can take in. */
  readonly contextTokens?: number;
  /** Written into each request that bounds its output by nothing of its own. */
  readonly maxOutputTokens?: number;
  /** Fields of a request that are passed on besides the usual ones. */
  readonly parameters?: readonly string[];
  /** Tools that its provider may run by itself, by type. No gate sees them. */
  readonly providerTools?: readonly string[];
  /** What `anthropic-beta` may name: a beta may change what a call costs, and none is known to the gate. */
  readonly betas?: readonly string[];
  /** The provider may fetch and look up what a conversation refers to. */
  readonly remoteContent?: boolean;
}

export interface PolicyRules {
  /** How many people must want a set of policies before it is in force. */
  readonly activationPeople: 1 | 2;
}

/** How far away a server may be that we fetch from on our own account. */
export type NetworkReach = 'public' | 'private' | 'loopback';

/** The identity provider of people. */
export interface OidcSpec {
  readonly issuer: string;
  readonly clientId: string;
  /** Without one: a public client, held by PKCE alone. */
  readonly clientSecret?: SecretAt;
  readonly deviceClientId?: string;
  readonly scopes: readonly string[];
  readonly groupsClaim: string;
  readonly network: NetworkReach;
}

/** A service that proves itself by a JWT: this issuer, this audience, this subject and no other. */
export interface ServiceSpec {
  readonly serviceId: string;
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: string;
  readonly subject: string;
  readonly roles: readonly ('service' | 'viewer' | 'operator')[];
  readonly person?: string;
  readonly network: NetworkReach;
}

export interface BreakGlassSpec {
  readonly people: readonly string[];
  readonly groups: readonly string[];
  readonly roles: readonly PersonRole[];
  readonly longestMs: number;
  readonly rule: 'second-person' | 'review';
}

export interface SignInSpec {
  readonly idleMs: number;
  readonly lifeMs: number;
  readonly oidc?: OidcSpec;
  readonly services: readonly ServiceSpec[];
  readonly roles: readonly RoleRule[];
  /** Person -> the names under which they come. */
  readonly persons: Readonly<Record<string, readonly string[]>>;
  readonly breakGlass?: BreakGlassSpec;
  /** How far away a client of MCP may publish what it is; `none`: such clients are not served. */
  readonly clientDocuments?: 'none' | 'public' | 'private' | 'loopback';
}

/** Where estop.yaml says nothing: nobody signs in but by a link of this machine. */
export const defaultSignIn: SignInSpec = {
  idleMs: 12 * 3_600_000,
  lifeMs: 168 * 3_600_000,
  services: [],
  roles: [],
  persons: {},
};

/** A connector that is tried on a credential made for that alone, whenever it was not for so long. */
export interface ScheduledDrill {
  readonly connectorId: string;
  readonly everyMs: number;
}

export interface EstopConfig {
  readonly environment: string;
  readonly trustDomain: string;
  readonly agents: readonly AgentSpec[];
  readonly connectors: readonly ConnectorSpec[];
  readonly toolServers: readonly ToolServerSpec[];
  readonly models: readonly ModelSpec[];
  readonly policies?: PolicyRules;
  readonly notifications?: NotificationsSpec;
  readonly triggers?: readonly TriggerSpec[];
  readonly playbooks?: readonly Playbook[];
  readonly vault?: VaultSpec;
  readonly signIn?: SignInSpec;
  /** Those alone that are to be drilled by themselves. */
  readonly drills?: readonly ScheduledDrill[];
}

/** Held by every process that needs it; swapped whole, or not at all, when the file changes. */
export interface ConfigSource {
  current(): EstopConfig;
}
