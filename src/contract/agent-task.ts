/** What crosses between agentTask, its activities and whoever starts it. No zod here: workflows import this file. */

export interface TaskLimits {
  readonly maxSteps: number;
  readonly maxTokens: number;
  readonly approvalTtlMs: number;
  readonly maxDepth: number;
  readonly maxFanOut: number;
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
  /** Carried over continue-as-new. */
  readonly carried?: CarriedState;
}

export interface CarriedState {
  readonly messages: readonly ModelMessage[];
  readonly step: number;
  readonly tokensUsed: number;
  readonly heldAt?: string;
  readonly handledMessages: readonly string[];
  readonly openApprovals: readonly string[];
  readonly timeline: readonly TimelineEntry[];
}

export type ModelMessage =
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly tool: string; readonly text: string; readonly isError: boolean };

export interface ToolCall {
  readonly toolCallId: string;
  /** `<server>__<tool>` as the gateway lists it. */
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export type TaskState = 'starting' | 'running' | 'awaiting-approval' | 'held' | 'stopping' | 'done' | 'stopped' | 'failed';

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
  readonly outcome: 'done' | 'stopped' | 'step-cap' | 'token-cap' | 'refused';
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
}

/** What one call through the gateway came to. A denial is a value, not a failure. */
export type ToolOutcome =
  | { readonly kind: 'answered'; readonly text: string; readonly isError: boolean }
  | { readonly kind: 'needs-approval'; readonly approvalId: string; readonly expiresAt: string }
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: 'stopped'; readonly stopId?: string };

export interface ModelTurn {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly tokensUsed: number;
}
