import { ActivityFailure, ApplicationFailure, CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import type {
  AgentTaskInput,
  ModelMessage,
  ModelTurn,
  NextQuestion,
  PendingApproval,
  StepOutcome,
  ToolCall,
  ToolOutcome,
} from '../../contract/agent-task.ts';
import { ledger, model as modelActivity } from './activities.ts';
import { awaitDecision } from './approval.ts';
import { type ChildOrder, type ChildOutcome, runChild } from './child.ts';
import type { Inbox } from './inbox.ts';
import { oneLine } from './messages.ts';
import type { TaskRecord } from './record.ts';
import { sendCall, sendStep } from './send-call.ts';

export interface ToolRequest {
  /** `<server>__<tool>` as the gateway lists it. */
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly toolCallId?: string;
}

/** `stopped`: this tool is, by a stop that does not cover the task. A stop that covers the task ends it instead. */
export type ToolResult = Exclude<ToolOutcome, { readonly kind: 'needs-approval' }>;

export interface StepResult {
  readonly result: ToolResult;
  readonly turn?: ModelTurn;
}

/**
 * What governed code may do. Everything here waits while the task is held, and never comes back once it is stopped; what acts waits
 * for the ledger's word at the start as well, a model call does not: its tool list passes the gateway's fence before it is sent.
 */
export interface GovernedTask {
  readonly input: AgentTaskInput;
  callModel(messages: readonly ModelMessage[]): Promise<ModelTurn>;
  /** Waits for a human where the agent's configuration says `ask`. A denial is a value. */
  callTool(request: ToolRequest): Promise<ToolResult>;
  /** The same, and then what the model says to it; without a turn the model is to be asked on its own. */
  callToolThenModel(request: ToolRequest, next: Pick<NextQuestion, 'messages' | 'room'>): Promise<StepResult>;
  /** Starts a task of an agent that this one may start, and waits for its end. */
  runTask(order: ChildOrder): Promise<ChildOutcome>;
  /** Held, itself; a hold of an ancestor is not known here. */
  isHeld(): boolean;
  /** One line in the task's timeline: state, never content. */
  note(what: string): void;
  /** A good moment to continue as new; does so if the history is long. */
  pause(): Promise<void>;
}

export interface TaskHost {
  readonly input: AgentTaskInput;
  readonly environment: string;
  readonly record: TaskRecord;
  readonly inbox: Inbox;
  /** The ledger knows the task as running, and its grants are there. */
  readonly begun: Promise<void>;
  isEnded(): boolean;
  /** The ledger says that a stop covers this task: ends it. */
  onStopFound(stopId: string): void;
  /** Continues as new with everything that must be kept. Undefined where the body has not said what that is. */
  readonly leave: (() => Promise<never>) | undefined;
  count(tokensUsed: number): void;
}

function isStoppedByGate(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'stopped'
  );
}

/** An error could be caught, and code that tries for ever would then spin in the workflow's thread. */
const never = (): Promise<never> => new Promise(() => undefined);

const maxHistoryBytes = 3 * 1024 * 1024;
/** So long a history during one call is a flood of signals. At 10,000 Temporal refuses the next one, be it a kill: the call is given up for room. */
const floodedEvents = 8_000;
const fewestEvents = 20;

export function createGovernedTask(host: TaskHost): GovernedTask {
  const { input, record, inbox, leave } = host;
  let calls = 0;
  let openChildren = 0;

  const whileOpen = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      await gate();
      return await work();
    } catch (error) {
      if (host.isEnded()) await never();
      throw error;
    }
  };
  const mustLeave = (): boolean => {
    if (leave === undefined || openChildren > 0) return false;
    const { continueAsNewSuggested, historySize, historyLength } = workflowInfo();
    const { continueAfterEvents } = input.limits;
    const isLong = continueAfterEvents !== undefined && historyLength >= Math.max(fewestEvents, continueAfterEvents);
    return isLong || continueAsNewSuggested || historySize >= maxHistoryBytes;
  };
  let flood: Promise<void> | undefined;
  /** One for the whole run: a condition for each call would have to be cancelled after it, with an error and its stack trace. */
  const flooded = (): Promise<void> => {
    flood ??= CancellationScope.nonCancellable(() => condition(() => workflowInfo().historyLength >= floodedEvents));
    return flood;
  };
  const pause = async (): Promise<void> => {
    if (leave !== undefined && mustLeave()) await leave();
  };
  /** Power stays on while a task is held; it just does not move. */
  const gate = async (): Promise<void> => {
    while (record.model().heldAt !== undefined && !host.isEnded()) {
      await condition(() => record.model().heldAt === undefined || mustLeave());
      await pause();
    }
    if (host.isEnded()) await never();
  };
  const whileActing = <Value>(work: () => Promise<Value>): Promise<Value> =>
    whileOpen(async () => {
      await host.begun;
      await gate();
      return work();
    });
  /** True where a stop covers the whole task: then nothing more is done. */
  const isTaskStopped = async (): Promise<boolean> => {
    const { stopId } = await ledger.stopOf(input.taskId);
    if (stopId === undefined) return false;
    host.onStopFound(stopId);
    return true;
  };
  const decide = async (pending: PendingApproval, seen: number): Promise<'approved' | ToolResult> => {
    record.apply({ kind: 'asked', pending });
    const decision = await awaitDecision(pending, { count: inbox.wakeUps }, seen, mustLeave);
    if (decision === 'leave') {
      await pause();
      return decide(pending, inbox.wakeUps());
    }
    record.apply({ kind: 'decided', approvalId: pending.approvalId, decision });
    if (decision === 'approved') return 'approved';
    return {
      kind: 'denied',
      reason: decision === 'expired' ? 'Nobody approved it in time.' : `The approval was ${decision}.`,
    };
  };

  const callThrough = (request: ToolRequest, send: (call: ToolCall) => Promise<StepOutcome>): Promise<StepResult> =>
    whileActing(async () => {
      calls += 1;
      const toolCallId = request.toolCallId ?? `call-${calls}`;
      let pending = record
        .model()
        .awaiting.find((open) => open.toolCallId === toolCallId && open.tool === oneLine(request.tool));
      // A call that waited in the run before is looked at once: its wake-up may have come while that run ended.
      let seen = pending === undefined ? inbox.wakeUps() : -1;
      for (;;) {
        if (pending !== undefined) {
          const decision = await decide(pending, seen);
          if (decision !== 'approved') return { result: decision };
        }
        await gate();
        seen = inbox.wakeUps();
        const { outcome, ...said } = await send({ ...request, toolCallId });
        // A stop cuts calls off, so a cut is a reason to ask as well.
        const isCut = outcome.kind === 'stopped' || outcome.kind === 'interrupted';
        if (isCut && (await isTaskStopped())) return never();
        if (outcome.kind !== 'needs-approval') return { result: outcome, ...said };
        pending = {
          approvalId: outcome.approvalId,
          expiresAt: outcome.expiresAt,
          toolCallId,
          tool: oneLine(request.tool),
        };
      }
    });

  return {
    input,
    pause,
    isHeld: () => record.model().heldAt !== undefined,
    note: (what) => record.apply({ kind: 'noted', what }),
    callModel: (messages) =>
      whileOpen(async () => {
        const { taskId, agentId, modelId } = input;
        // In a scope of its own, which hears of the end one step after this one: histories hold their commands in that order.
        const asked = new CancellationScope().run(() =>
          modelActivity(oneLine(modelId)).callModel({ taskId, agentId, modelId, messages }),
        );
        let isOver = false;
        try {
          const turn = await (leave === undefined
            ? asked
            : Promise.race([asked, flooded().then(() => (isOver ? never() : leave()))]));
          host.count(turn.tokensUsed);
          return turn;
        } catch (error) {
          // The gate refuses a model to what is stopped, a moment before the stop ends this workflow.
          if (isStoppedByGate(error) && (await isTaskStopped())) return await never();
          throw error;
        } finally {
          isOver = true;
        }
      }),
    callTool: async (request) => (await callThrough(request, (call) => sendCall(input, call))).result,
    callToolThenModel: async (request, next) => {
      const givenUp = leave === undefined ? never : flooded;
      const answered = await callThrough(request, (call) => sendStep(input, call, next, givenUp));
      if (answered.turn !== undefined) host.count(answered.turn.tokensUsed);
      return answered;
    },
    runTask: (order) =>
      whileActing(async () => {
        openChildren += 1;
        try {
          return await runChild(input, host.environment, order);
        } finally {
          openChildren -= 1;
        }
      }),
  };
}
