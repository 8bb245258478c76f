/** Everything that workers of the queue `agent` run. Your own governed workflows: a module like this one, with a line for each. */

export { agentTask } from './agent-task/agent-task.ts';
export { agentSession } from './session/agent-session.ts';
