import type { AgentSpec, ConfigSource, GrantSpec, ModelSpec, ToolMark } from '../contract/config.ts';
import type { Line } from '../contract/delegation.ts';
import type { Log, Sealer, TaskClaims } from '../contract/identity.ts';
import type { Spend } from '../core/budget.ts';
import { type ErrorCode, EstopError } from '../core/errors.ts';
import type { Tier } from '../core/flow/facts.ts';
import type { ToolProfile } from '../core/flow/tool/tool-profile.ts';
import type { IdKind } from '../core/ids.ts';
import type { Decision } from '../policy/decision.ts';
import type { CallOutcome } from '../store/calls.ts';
import type { HandOver } from '../store/grants.ts';
import type { ApprovalStates } from './call/approval-state.ts';
import type { ConductNoter } from './call/conduct-recorder.ts';
import type { LedgerPort } from './call/ledger-port.ts';
import type { CallEnd, LiveCall } from './call/live-call.ts';
import type { ToldAnswer } from './call/told-answer.ts';
import type { Fence } from './fence/fence.ts';
import type { OpenCalls } from './fence/open-calls.ts';
import type { Places } from './fence/places.ts';
import type { FlowStanding } from './flow/flow-standing.ts';
import type { TaskFlows } from './flow/task-flows.ts';
import type { BodiesInHand } from './http/bodies-in-hand.ts';
import type { ProtectedResource } from './http/protected-resource.ts';
import type { JsonObject } from './json/parse-strict.ts';
import type { ClientSessions } from './mcp/client-sessions.ts';
import type { McpClient } from './mcp/mcp-client.ts';
import type { ReachMethod } from './mcp/methods.ts';
import type { OpenQuestion } from './mcp/question.ts';
import type { ServersWords } from './mcp/servers-words.ts';
import type { Dialect } from './model/dialect.ts';
import type { ModelCall, ProviderEnd } from './model/model-call.ts';
import type { ClientStream } from './model/model-client.ts';
import type { ModelRequest } from './model/model-request.ts';
import type { Provider, Providers } from './model/provider.ts';
import type { PoliciesInForce } from './policy/policies-in-force.ts';
import type { Standing, TaskStandings } from './policy/task-standings.ts';
import type { Credential } from './secrets/credential.ts';
import type { UpstreamSecrets } from './secrets/upstream-secrets.ts';
import type { TokenReader } from './token-reader.ts';
import type { Reach } from './upstream/reach.ts';
import type { FoundTool, ToolServers } from './upstream/tool-servers.ts';

/** What the process has, for every check. */
export interface GateHost {
  readonly config: ConfigSource;
  readonly log: Log;
  readonly tokens: TokenReader;
  readonly fence: Fence;
  readonly renewNow: () => Promise<void>;
  readonly openCalls: OpenCalls;
  readonly places: Places;
  readonly tools: ToolServers;
  readonly sessions: ClientSessions;
  readonly serversWords: ServersWords;
  readonly policies: PoliciesInForce;
  readonly standings: TaskStandings;
  readonly models: Providers;
  readonly secrets: UpstreamSecrets;
  readonly flows: TaskFlows;
  readonly ledger: LedgerPort;
  readonly conduct: ConductNoter;
  readonly inHand: BodiesInHand;
  /** `used`: what its provider says it cost; without it the worst case that was reserved is spent. */
  readonly settle: (callId: string, outcome: CallOutcome, used?: Spend) => void;
  readonly sealer: Sealer;
  readonly approvalStates: ApprovalStates;
  /** Where a person decides, if there is such a page. */
  readonly approvalPage: ((approvalId: string) => string) | undefined;
  /** Where programs get tokens by themselves, if they can. */
  readonly resource: ProtectedResource | undefined;
  readonly newId: (kind: IdKind) => string;
  readonly callTimeoutMs: number;
  /** How long a call waits for a grant that is issued at its first use. */
  readonly grantWaitMs: number;
  /** How long a provider of models may say nothing, before its answer and within it. */
  readonly modelSilenceMs: number;
  readonly largestPrompt: number;
}

export type Asked =
  | {
      readonly kind: 'tool-call';
      readonly name: string;
      readonly arguments: JsonObject;
      /** Of a call that is sent again because its server asked for more: what the client's own host answered. */
      readonly inputs?: JsonObject;
    }
  | { readonly kind: 'tool-list' }
  | { readonly kind: 'grant'; readonly name: string }
  | { readonly kind: 'session'; readonly result: Answer }
  /** What is asked of upstreams besides their tools: the method, and the parameters without `_meta`. */
  | {
      readonly kind: 'resource' | 'prompt' | 'completion' | 'subscription';
      readonly method: ReachMethod;
      readonly params: JsonObject;
      /** Of a stream of changes of several servers: this part of it. */
      readonly serverId?: string;
    }
  /** What a client says without asking: that it wants an answer no longer. */
  | { readonly kind: 'cancellation'; readonly message: JsonObject }
  /** What a client of the older revisions answers to an upstream's question. */
  | { readonly kind: 'answer'; readonly message: JsonObject; readonly question: OpenQuestion }
  /** The stream of a session, open until its token or its task ends. */
  | { readonly kind: 'stream'; readonly lastEventId: string | undefined }
  | {
      readonly kind: 'model';
      readonly dialect: Dialect;
      readonly body: JsonObject;
      /** Those of the client's headers that choose a version of the protocol. */
      readonly headers: Readonly<Record<string, string>>;
      readonly client: ClientStream;
    }
  | { readonly kind: 'model-list' };

export type Answer = Readonly<Record<string, unknown>>;

export interface UpstreamRefusal {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
  readonly status: number;
}

/** Why a call was not answered by its upstream. Public: it reaches the agent, so it holds no data but names it gave itself. */
export type DenialReason =
  | 'tool-not-available'
  | 'tool-changed'
  | 'invalid-arguments'
  | 'too-large-to-review'
  | 'task-closed'
  | 'task-held'
  | 'unknown-task'
  | 'approval-refused'
  | 'over-budget'
  | 'unwatched'
  | 'denied-before'
  | 'denied-by-policy'
  | 'policy-unavailable'
  | 'too-many-approvals'
  | 'approval-state-invalid'
  | 'credential-unavailable'
  | 'credential-shared'
  | 'upstream-unavailable'
  | 'possibly-completed'
  | 'shutting-down'
  | 'resource-not-available'
  | 'prompt-not-available'
  | 'session-needed'
  | 'no-such-grant'
  | 'grant-not-issued'
  | 'model-not-available'
  | 'model-without-price'
  | 'provider-unavailable'
  | 'provider-refused'
  | 'provider-failed'
  | 'internal';

export type Denial =
  | { readonly kind: 'unauthenticated'; readonly code: ErrorCode }
  /** Nothing was done: the same request may be sent again. */
  | { readonly kind: 'unavailable'; readonly code: 'no-lease' | 'store-unavailable' | 'store-restored' | 'busy' }
  | {
      readonly kind: 'stopped';
      readonly stopId: string | undefined;
      /** Of the stop, where the view of the fence says it. */
      readonly scopeKey?: string;
      readonly mayHaveCompleted: boolean;
    }
  | {
      readonly kind: 'needs-approval';
      readonly approvalId: string;
      readonly expiresAt: string;
      /** The policies that ask, and their sentences. */
      readonly policies?: readonly string[];
      readonly why?: string;
      /** For a client that can open a page for its user; without a state it is asked beside the words. */
      readonly ask?: { readonly url: string; readonly requestState?: string };
    }
  | {
      readonly kind: 'denied';
      readonly reason: DenialReason;
      readonly detail?: string;
      /** The policies that said so. */
      readonly policies?: readonly string[];
    }
  | { readonly kind: 'not-served' };

/** What the steps have found out so far. Each later step takes what it needs by `known`: a step that was left out denies. */
export interface Facts {
  /** Gives back the place that the call takes at its server or provider. */
  leave?: () => void;
  claims?: TaskClaims;
  tool?: FoundTool;
  agent?: AgentSpec;
  /** With those that it works for: what one of them may not do, this task may not. */
  line?: Line;
  mark?: ToolMark;
  /** The tool as the data-flow analysis sees it. */
  profile?: ToolProfile;
  /** Proposed with the pin, decided by estop.yaml. */
  tier?: Tier;
  labels?: readonly string[];
  flow?: FlowStanding;
  /** Of what is no tool: a server would be told something that the agent chose. */
  says?: boolean;
  /** Looked up where a policy in force looks at it. */
  standing?: Standing;
  needsApproval?: boolean;
  decision?: Decision;
  /** Which policy said so. An approval counts under the same version alone; absent: there is none but the agent's list. */
  policyVersion?: string;
  /** How many people the policy wants; the agent's configuration may want more. */
  approvers?: 1 | 2;
  /** Sent again after its client's user was shown where a person decides. */
  approvalAnswered?: true;
  canonicalArguments?: string;
  /** What is sent along of a server's questions: the answers, and its own state. */
  inputs?: { readonly given: JsonObject; readonly canonical: string };
  /** What the upstream is called with; null: it asks for none. */
  credential?: Credential | null;
  digest?: Uint8Array;
  call?: LiveCall;
  admitted?: boolean;
  end?: CallEnd;
  model?: ModelSpec;
  modelRequest?: ModelRequest;
  provider?: Provider;
  modelCall?: ModelCall;
  modelEnd?: ProviderEnd;
  /** What the configuration lists under the name that was asked for. */
  grantSpec?: GrantSpec;
  grant?: Extract<HandOver, { kind: 'handed-over' }>;
  /** What is reached for besides a tool; a list on the endpoint of all servers reaches for several. */
  reaches?: readonly Reach[];
  /** Of an answer to a server's question that belongs to no call of a tool: by what a stop names it. */
  answering?: { readonly scopeKey: string };
  telling?: ToldAnswer;
  /** The canonical text of what is answered: what is hashed, and sent. */
  said?: string;
  answer?: Answer;
  /** How the ledger will have it; unset: nothing was asked of ADMIT. */
  outcome?: CallOutcome;
  /** Of a model call: the most that it can cost. */
  worst?: Spend;
  /** Of a call that was made: what its provider says it cost. */
  used?: Spend;
}

/** One request on its way through the gate. */
export interface Passage {
  readonly host: GateHost;
  readonly asked: Asked;
  readonly authorization: string | undefined;
  readonly facts: Facts;
  /** Of MCP alone. */
  readonly client?: McpClient;
  /** Writes the answer out in this tick. Called at most once, by the step that has just asked the fence. */
  readonly deliver: (answer: Answer) => void;
  /** The same for an upstream's refusal in the words of the protocol. */
  readonly deliverError: (error: UpstreamRefusal) => void;
  /** Ends the call if its client goes away. */
  readonly onClientGone: (listener: () => void) => void;
}

/** Undefined lets the request go on to the next step. */
export type Verdict = Denial | undefined;
export type Check = (passage: Passage) => Verdict | Promise<Verdict>;

export function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new EstopError('internal', { detail: 'a step of the gate was left out' });
  return value;
}

export const denied = (reason: DenialReason, detail?: string): Denial =>
  detail === undefined ? { kind: 'denied', reason } : { kind: 'denied', reason, detail };
