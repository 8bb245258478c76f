import type {
  AgentTaskInput,
  ModelQuestion,
  ModelTurn,
  NextQuestion,
  StepOutcome,
  ToolCall,
  ToolOutcome,
} from './agent-task.ts';
import type { CuttingPhase, Phase } from './phases.ts';
import type { StopOrder } from './stop.ts';

/** Queue `agent`: runs where agent code runs; reaches the model and the gateway, nothing else. */
export interface AgentActivities {
  callModel(question: ModelQuestion): Promise<ModelTurn>;
  callTool(input: ToolOrder): Promise<ToolOutcome>;
  /** A call and the model's next turn, carried by Temporal once. What the call came to is never lost for the sake of the turn. */
  callToolThenModel(input: ToolOrder & { readonly next: NextQuestion }): Promise<StepOutcome>;
  /**
   * Latches for a task that was told to die, at the stop process and in one short try; run inside the workflow task, so that a kill
   * takes no second hop. Fails where that process is away or slow: TrustedActivities.latchTask is the road that always arrives.
   */
  placeKill(kill: Kill): Promise<{ readonly stopId: string }>;
}

export interface ToolOrder {
  readonly taskId: string;
  readonly call: ToolCall;
}

export interface Kill {
  readonly taskId: string;
  readonly stopId: string;
  readonly reason: string;
  readonly actor: string;
}

export type BeginDecision =
  | { readonly kind: 'running'; readonly grants: readonly string[] }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'closed' };

export interface ChildRequest {
  readonly parentTaskId: string;
  readonly childTaskId: string;
  readonly agentId: string;
  readonly prompt: string;
}

export type ChildDecision =
  | { readonly kind: 'registered'; readonly input: AgentTaskInput }
  | { readonly kind: 'refused'; readonly reason: string; readonly stopId?: string };

export interface CallCounts {
  readonly admitted: number;
  readonly completed: number;
  readonly failed: number;
  readonly unknown: number;
  readonly lastAt?: string;
}

export interface GrantDecision {
  readonly issued: boolean;
  readonly reason?: string;
  /** Nothing forbids it, it merely failed: another grant id may succeed. This one stays as it is, for the revocation to end. */
  readonly mayTryAgain?: boolean;
}

/** Queue `trusted`: has a store connection; never runs agent code. */
export interface TrustedActivities {
  beginTask(taskId: string): Promise<BeginDecision>;
  issueGrant(input: {
    readonly taskId: string;
    readonly grantId: string;
    readonly name: string;
  }): Promise<GrantDecision>;
  /** Latches for a task that was told to die, unless a stop that covers it is in force already. Returns the stop that kills it. */
  latchTask(kill: Kill): Promise<{ readonly stopId: string }>;
  /** The stop that kills this task, if there is one. */
  stopOf(taskId: string): Promise<{ readonly stopId?: string }>;
  approvalState(
    approvalId: string,
  ): Promise<'pending' | 'approved' | 'denied' | 'expired' | 'closed' | 'redeemed' | 'unknown'>;
  /** What a session has done so far, as the ledger counts it. */
  callsOf(taskId: string): Promise<CallCounts>;
  registerChild(input: ChildRequest): Promise<ChildDecision>;
  endTask(input: { readonly taskId: string; readonly outcome: string }): Promise<void>;
}

export interface LaneSpec {
  readonly obligationId: string;
  readonly connector: string;
  readonly target: string;
  readonly phases: readonly CuttingPhase[];
  readonly settleMs: number;
  /** Deadline of one attempt, as the connector's system declares it. */
  readonly attemptMs: number;
  /** Round 0 is the first pass; a final probe that found access opens the next. */
  readonly round: number;
}

export type PhaseOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'residual'; readonly until: string; readonly why: string };

export type ProbeOutcome =
  | { readonly kind: 'proved' }
  | { readonly kind: 'residual'; readonly until: string; readonly why: string }
  /** The cut did not hold: cut again. */
  | { readonly kind: 'alive'; readonly why: string };

export interface HaltProgress {
  readonly openTasks: number;
}

export interface ListLanes {
  readonly causeId: string;
  readonly agentId: string;
  readonly limit: number;
  /** Lanes behind this obligation id; from the beginning without it. */
  readonly after?: string;
  /** Only lanes opened so recently; all without it. */
  readonly openedWithinMs?: number;
}

/** Queue `control` in estop-control: the ledger and Temporal, no external system. */
export interface ControlActivities {
  /** Returns the keys (contract/order.ts) of those that are latched now. Throws if none is. */
  latchOrders(orders: readonly StopOrder[]): Promise<readonly string[]>;
  /** Opens what is missing and returns this agent's lanes that are not concluded yet, by id; empty = nothing left to act on. */
  listLanes(input: ListLanes): Promise<readonly LaneSpec[]>;
  escalateLanes(input: { readonly obligationIds: readonly string[]; readonly why: string }): Promise<void>;
  haltTasks(input: { readonly stopId: string; readonly graceMs: number }): Promise<HaltProgress>;
  /** The sweep that comes after so many clean ones. Counted once, however often it is attempted. */
  sweepStrays(input: { readonly stopId: string; readonly after: number }): Promise<{ readonly found: number }>;
  /** Reads the ledger: which stages hold now; stamps those that do. */
  reviewStop(stopId: string): Promise<StopReview>;
}

export interface StopReview {
  /** No covered task is open at this moment. */
  readonly halted: boolean;
  readonly revoked: boolean;
  /** Clean sweeps so far. */
  readonly sweepsDone: number;
  /** Every lane concluded, swept twice, settled: the last probe may run over these. */
  readonly finalLanes: readonly LaneSpec[];
  readonly proved: boolean;
  readonly waitMs: number;
}

/** Queue `connector-<id>` in estop-control. Idempotent: key = obligation/phase/round. Retried by Temporal without a cap. */
export interface ConnectorActivities {
  runPhase(input: {
    readonly obligationId: string;
    readonly phase: Phase;
    readonly round: number;
  }): Promise<PhaseOutcome>;
  probeLane(input: LaneRound): Promise<ProbeOutcome>;
  /** The same for a crowd of one connector, for a moment. What has not come to its end by then goes on alone; what is not named has not been begun. */
  passLanes(input: LaneCrowd): Promise<CrowdPassed>;
  finalProbe(input: LaneRound): Promise<ProbeOutcome>;
  /** As many of these as can be asked in a moment. What failed is to be asked alone; what is not named has not been asked. */
  finalProbes(input: { readonly connector: string; readonly lanes: readonly LaneRound[] }): Promise<CrowdProbed>;
}

export interface LaneRound {
  readonly obligationId: string;
  readonly round: number;
}

export interface LaneCrowd {
  readonly connector: string;
  readonly phases: readonly CuttingPhase[];
  readonly lanes: readonly LaneRound[];
}

/** Each by its obligation. */
export interface CrowdPassed {
  readonly proved: readonly string[];
  readonly others: readonly PassedLane[];
}

export interface PassedLane {
  readonly obligationId: string;
  readonly found: PassFound;
}

export type PassFound =
  | Exclude<ProbeOutcome, { readonly kind: 'proved' }>
  | { readonly kind: 'failed'; readonly retryInMs: number }
  /** Still in hand when the crowd parted. A cut goes on, and whoever asks for it again joins it. */
  | { readonly kind: 'left' };

/** Of a crowd that was probed for the last time: what the ledger now knows of, and what has not answered, by obligation. */
export interface CrowdProbed {
  readonly settled: readonly string[];
  readonly failed: readonly string[];
}

export type DrillIssue =
  | { readonly kind: 'issued' }
  /** `impossible`: the connector issues nothing that could be thrown away, or nothing now. It says nothing of how well it cuts off. */
  | { readonly kind: 'failed' | 'impossible'; readonly why: string };

/** Queue `connector-<id>`: the one thing of a drill that reaches the system. A drill is named by its task. */
export interface DrillIssueActivities {
  issueDrill(taskId: string): Promise<DrillIssue>;
}

/** Queue `control`. */
export interface DrillActivities {
  endDrill(taskId: string): Promise<void>;
  lookAtDrill(
    taskId: string,
  ): Promise<{ readonly kind: 'proved' } | { readonly kind: 'open' | 'over' | 'overtaken'; readonly why: string }>;
  finishDrill(outcome: {
    readonly taskId: string;
    readonly connectorId: string;
    readonly state: 'proved' | 'failed' | 'impossible';
    readonly why?: string;
  }): Promise<void>;
}

/** One endpoint that is to hear of a notice. */
export interface DueDelivery {
  readonly endpoint: string;
  readonly rung: string;
  readonly waitMs: number;
}

/** Queue `notify` in estop-control: the ledger and the endpoints that people are reached by. Nothing of a stop runs there. */
export interface NotifyActivities {
  /** What is still to be delivered. Written down at the first time, and the same at every later one. */
  planNotice(noticeId: string): Promise<readonly DueDelivery[]>;
  deliverNotice(delivery: {
    readonly noticeId: string;
    readonly endpoint: string;
    readonly rung: string;
  }): Promise<{ readonly answer: 'delivered' | 'skipped' | 'failed' }>;
  /** Nobody could be reached there within the time that there is. */
  giveUpDelivery(delivery: {
    readonly noticeId: string;
    readonly endpoint: string;
    readonly rung: string;
  }): Promise<void>;
  settleNotice(noticeId: string): Promise<void>;
}
