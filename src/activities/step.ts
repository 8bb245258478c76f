import type { ToolOrder } from '../contract/activities.ts';
import type { ModelTurn, NextQuestion, StepOutcome, ToolOutcome } from '../contract/agent-task.ts';
import { toolAnswer, toolMessage } from '../contract/tool-answer.ts';
import type { CallModel } from './model.ts';
import type { CallTool } from './tool.ts';

/** Each heartbeat that carries it is a write to Temporal's store. */
const mostKeptCharacters = 16_000;
/** With the outcome it is less than the 2 MiB that Temporal takes. */
const mostTurnBytes = 1_500_000;
/** As long as a model that is asked on its own is waited for, nearly; with the longest call before it less than the step may take. */
const mostThinkingMs = 9 * 60_000;

interface StepDependencies {
  readonly callTool: CallTool;
  readonly callModel: CallModel;
}

type Step = ToolOrder & { readonly next: NextQuestion };

/**
 * Throws only what the tool call throws. From its outcome on nothing does: an attempt that failed then would be tried again, and
 * the call with it. What the model refuses is found out again, and told, by whoever asks it on its own.
 */
export function createStep({ callTool, callModel }: StepDependencies) {
  return async (
    { taskId, call, next }: Step,
    signal: AbortSignal,
    keep: (outcome: ToolOutcome) => void,
  ): Promise<StepOutcome> => {
    const outcome = await callTool({ taskId, call }, signal);
    // What was cut off may be the first sign of a stop: that is looked at first.
    if (outcome.kind !== 'answered' && outcome.kind !== 'denied') return { outcome };
    const { room, messages, ...asked } = next;
    const answer = toolAnswer(outcome);
    if (answer.text.length >= room) return { outcome };
    // The model may think for minutes, and this worker may die meanwhile: what has happened is known by then.
    if (answer.text.length <= mostKeptCharacters) keep(outcome);
    const question = { taskId, ...asked, messages: [...messages, toolMessage(call, answer)] };
    const slow = new AbortController();
    const timer = setTimeout(() => slow.abort(), mostThinkingMs);
    const turn = await callModel(question, AbortSignal.any([signal, slow.signal])).then(ifTaken, () => undefined);
    clearTimeout(timer);
    return turn === undefined ? { outcome } : { outcome, turn };
  };
}

/** What Temporal does not take fails the attempt after all, and then the call would be made again. */
function ifTaken(turn: ModelTurn): ModelTurn | undefined {
  try {
    return Buffer.byteLength(JSON.stringify(turn)) > mostTurnBytes ? undefined : turn;
  } catch {
    return undefined;
  }
}
