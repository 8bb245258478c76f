/** For workflow code of your own: the same rules as the built-in agentTask. */
export type { ChildOrder, ChildOutcome } from './agent-task/child.ts';
export { type Finished, type GovernedOptions, governed } from './agent-task/governed.ts';
export type { GovernedTask, ToolRequest, ToolResult } from './agent-task/governed-task.ts';
export { defineUntrustedSignal, readUntrusted } from './untrusted-signal.ts';
