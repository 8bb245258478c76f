import type { SettledCall } from '../../store/calls.ts';
import type { FlowEntry, FlowRecord } from '../../store/task-flows.ts';

/** Where the memory of a task's data flow is kept, for every gateway and over every restart. */
export interface FlowPort {
  read(taskId: string, after: number): Promise<FlowRecord | undefined>;
  append(
    entries: readonly FlowEntry[],
    ended: readonly SettledCall[],
  ): Promise<readonly { readonly rootId: string; readonly seq: number }[]>;
}
