import type { AgentTaskInput, TaskStatus, TimelineEntry } from '../contract/agent-task.ts';

/** A step that failed and is tried again. Its name and code are what a worker of agents gave them. */
export interface RetriedStep {
  readonly activity: string;
  readonly attempt: number;
  readonly failedWith: string | null;
  /** Null while it is being tried. */
  readonly nextAt: string | null;
}

export interface LiveTask {
  readonly status: TaskStatus;
  readonly timeline: readonly TimelineEntry[];
  readonly retried: readonly RetriedStep[];
}

/** A message that only wakes or slows; what counts stands in the store. */
export type TaskMessage =
  | { readonly name: 'approve'; readonly approvalId: string }
  | { readonly name: 'close'; readonly actor: string }
  | { readonly name: 'hold' | 'release'; readonly messageId: string };

/** What control needs of Temporal, injected, so that every route is tested with it there, away, and slow. */
export interface TaskWorkflows {
  /** `exists`: a workflow of this task was started before. Throws temporal-unavailable when it cannot be known. */
  start(input: AgentTaskInput): Promise<'started' | 'exists'>;
  /** False: not told. Never throws, because nothing may depend on it. */
  tell(taskId: string, message: TaskMessage): Promise<boolean>;
  /** Undefined: no answer in time. */
  ask(taskId: string): Promise<LiveTask | undefined>;
  isReachable(): Promise<boolean>;
  /** Of the server behind it. Throws temporal-unavailable. */
  serverVersion?(): Promise<string>;
}
