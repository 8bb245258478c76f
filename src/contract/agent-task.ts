/** What crosses between agentTask, its activities and whoever starts it. No zod here: workflows import this file. */

export interface TaskLimits {
  readonly maxSteps: number;
  readonly maxTokens: number;
  readonly approvalTtlMs: number;
  readonly maxDepth: number;
  readonly maxFanOut: number;
  /** Continue as new after that many history events, if sooner than Temporal suggests it. */
  readonly continueAfterEvents?: number;
}

export interface AgentTaskInput {
  readonly taskId: string;
  readonly agentId: string;
  readonly rootTaskId: string;
  readonly epoch: number;
  /** The request as given. Encrypted in history by the payload codec. */
  readonly prompt: string;
  readonly modelId: string;
  readonly limits: TaskLimits;
  /** Of a session alone: when it ends by itself. */
  readonly session?: SessionTerms;
  /** Carried over continue-as-new. */
  readonly carried?: CarriedState;
}

export interface SessionTerms {
  readonly openedAt: string;
  /** Without a call for so long, it ends. Time on hold does not count. */
  readonly idleMs: number;
  /** It ends then, whatever it does. */
  readonly endsAt: string;
}

/** The payload of `close`: a claim, kept in the timeline. Whoever forges one can end a session and do nothing else. */
export interface CloseMessage {
  readonly actor?: string;
}

export interface CarriedState {
  /** The ledger has said that the task runs. A run that left before it did asks again. */
  readonly begun: boolean;
  readonly messages: readonly ModelMessage[];
  readonly step: number;
  readonly tokensUsed: number;
  readonly heldAt?: string;
  readonly handledMessages: readonly string[];
  readonly openApprovals: readonly string[];
  /** Calls that wait for a human: the next run asks for THESE decisions, it does not ask a human again. */
  readonly awaiting?: readonly PendingApproval[];
  readonly timeline: readonly TimelineEntry[];
}

export interface PendingApproval {
  readonly approvalId: string;
  readonly expiresAt: string;
  readonly toolCallId: string;
  readonly tool: string;
}

export type ModelMessage =
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | {
      readonly role: 'tool';
      readonly toolCallId: string;
      readonly tool: string;
      readonly text: string;
      readonly isError: boolean;
    };

export interface ToolCall {
  readonly toolCallId: string;
  /** `<server>__<tool>` as the gateway lists it. */
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The model's arguments were no JSON object: the call is denied without asking anybody. */
  readonly unreadable?: true;
}

export type TaskState =
  | 'starting'
  | 'running'
  | 'awaiting-approval'
  | 'held'
  | 'stopping'
  | 'done'
  | 'stopped'
  | 'failed';

export interface TimelineEntry {
  readonly at: string;
  readonly what: string;
}

export interface TaskStatus {
  readonly taskId: string;
  readonly agentId: string;
  readonly state: TaskState;
  readonly step: number;
  readonly tokensUsed: number;
  readonly openApprovals: readonly string[];
  readonly stopId?: string;
}

export interface AgentTaskResult {
  readonly outcome: 'done' | 'closed' | 'idle' | 'expired' | 'stopped' | 'step-cap' | 'token-cap' | 'refused';
  readonly answer: string;
  readonly steps: number;
  readonly stopId?: string;
}

/** The payload of `kill`. All optional: Temporal's own CLI sends none. It is a hint, never believed: the store decides. */
export interface KillMessage {
  readonly stopId?: string;
  readonly reason?: string;
  readonly actor?: string;
}

/** Wakes the task; the decision itself is read from the store. */
export interface ApproveMessage {
  readonly approvalId?: string;
  readonly messageId?: string;
}

/** `hold` and `release`. A message id that was handled before is ignored: a hold that arrives late must not hold again. */
export interface HoldMessage {
  readonly messageId?: string;
  readonly reason?: string;
}

/** Update `receipt`: has the worker seen the message of that id? */
export interface ReceiptRequest {
  readonly messageId?: string;
}

export interface Receipt {
  readonly state: TaskState;
  readonly seen: boolean;
}

/** What one call through the gateway came to. A denial is a value, not a failure. */
export type ToolOutcome =
  | { readonly kind: 'answered'; readonly text: string; readonly isError: boolean }
  | { readonly kind: 'needs-approval'; readonly approvalId: string; readonly expiresAt: string }
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: 'stopped'; readonly stopId?: string }
  /** Sent, and then the answer was lost or cut off: it may have taken effect. Never sent again by us. */
  | { readonly kind: 'interrupted' };

export interface ModelTurn {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly tokensUsed: number;
}

export interface ModelQuestion {
  readonly taskId: string;
  readonly agentId: string;
  readonly modelId: string;
  readonly messages: readonly ModelMessage[];
}

/** What the model is asked as soon as a call is answered. The messages end before that answer. */
export interface NextQuestion extends Omit<ModelQuestion, 'taskId'> {
  /** Characters: after a longer answer nothing is asked. */
  readonly room: number;
}

/** What one call came to, and what the model said next; without a turn it was not asked, or gave none, and is asked on its own. */
export interface StepOutcome {
  readonly outcome: ToolOutcome;
  readonly turn?: ModelTurn;
}

/** Served by the workflow itself, not by the gateway: no tool server may be named `estop`. */
export const startTaskTool = 'estop__start_task';
