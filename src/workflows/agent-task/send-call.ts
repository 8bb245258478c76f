import { ActivityFailure, CancellationScope, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import type { AgentTaskInput, NextQuestion, StepOutcome, ToolCall, ToolOutcome } from '../../contract/agent-task.ts';
import { step as stepActivity, tool as toolActivity } from './activities.ts';
import { oneLine } from './messages.ts';

/** One call. An attempt that was lost with its worker is an outcome; a failure is of a call that was not sent. */
export async function sendCall({ taskId }: AgentTaskInput, call: ToolCall): Promise<StepOutcome> {
  try {
    return { outcome: await toolActivity(oneLine(call.tool)).callTool({ taskId, call }) };
  } catch (error) {
    return { outcome: outcomeOfLost(error) };
  }
}

/** One call and the next model turn, in one activity: Temporal carries a step once. Given up, it comes back without the turn. */
export async function sendStep(
  { taskId, agentId, modelId }: AgentTaskInput,
  call: ToolCall,
  question: Pick<NextQuestion, 'messages' | 'room'>,
  givenUp: () => Promise<void>,
): Promise<StepOutcome> {
  const scope = new CancellationScope();
  let isOver = false;
  let isGivenUp = false;
  try {
    const sent = scope.run(() =>
      stepActivity(oneLine(call.tool)).callToolThenModel({ taskId, call, next: { agentId, modelId, ...question } }),
    );
    const giveUp = (): void => {
      if (isOver) return;
      isGivenUp = true;
      scope.cancel();
    };
    givenUp().then(giveUp, () => undefined);
    return await sent;
  } catch (error) {
    if (isGivenUp && error instanceof ActivityFailure && error.cause instanceof CancelledFailure)
      return { outcome: { kind: 'interrupted' } };
    return { outcome: outcomeOfLost(error) };
  } finally {
    isOver = true;
  }
}

/** What the last heartbeat knew of the outcome is believed as the answer would have been: both come from the same worker. */
function outcomeOfLost(error: unknown): ToolOutcome {
  if (!(error instanceof ActivityFailure && error.cause instanceof TimeoutFailure)) throw error;
  return keptOutcome(error.cause.lastHeartbeatDetails) ?? { kind: 'interrupted' };
}

/** Only what is over is ever kept. */
function keptOutcome(details: unknown): ToolOutcome | undefined {
  if (typeof details !== 'object' || details === null || !('kind' in details)) return undefined;
  if (details.kind === 'answered' && 'text' in details && typeof details.text === 'string')
    return { kind: 'answered', text: details.text, isError: 'isError' in details && details.isError === true };
  if (details.kind === 'denied' && 'reason' in details && typeof details.reason === 'string')
    return { kind: 'denied', reason: details.reason };
  return undefined;
}
