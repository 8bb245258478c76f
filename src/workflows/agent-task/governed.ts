import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  makeContinueAsNewFunc,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { AgentTaskInput, AgentTaskResult, CarriedState } from '../../contract/agent-task.ts';
import { agentTaskWorkflowId } from '../../contract/names.ts';
import { parseId } from '../../core/ids.ts';
import { ledger } from './activities.ts';
import { begin } from './begin.ts';
import { createGovernedTask, type GovernedTask } from './governed-task.ts';
import { stopIdOfTask } from './ids.ts';
import { type KillOrder, openInbox } from './inbox.ts';
import { latchKill } from './latch-kill.ts';
import { openRecord, type Progress } from './record.ts';
import { resolvable } from './resolvable.ts';
import { openWants } from './wants.ts';

export interface Finished {
  readonly outcome: 'done' | 'closed' | 'idle' | 'expired' | 'step-cap' | 'token-cap';
  readonly answer: string;
}

export interface GovernedOptions {
  /** What the next run needs to go on where this one is. Without it the body runs in one history and must be short. */
  readonly carry?: () => Pick<CarriedState, 'messages' | 'step' | 'tokensUsed'>;
}

type Ending =
  | { readonly kind: 'killed' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'finished'; readonly finished: Finished }
  | { readonly kind: 'broken'; readonly error: unknown };

/**
 * Runs workflow code as a task of an agent: begun and ended in the ledger, with its grants, its tools behind the gateway,
 * approvals, hold and kill. Whatever the body catches, it cannot outlive a stop: its end is decided here, beside it, and a
 * workflow that has closed runs no more code. It is the whole of a workflow function:
 *
 *   export const audit = (input: AgentTaskInput) => governed(input, async (task) => ({ outcome: 'done', answer: .. }));
 */
export async function governed(
  input: AgentTaskInput,
  body: (task: GovernedTask) => Promise<Finished>,
  options: GovernedOptions = {},
): Promise<AgentTaskResult> {
  const { environment, ownStopId } = requireOwnTask(input);
  const { taskId } = input;
  let counted: Progress = { step: 0, tokensUsed: 0 };
  const progress = (): Progress => {
    const { step, tokensUsed } = options.carry?.() ?? counted;
    return { step, tokensUsed };
  };
  const record = openRecord(input, progress);
  const inbox = openInbox(input, record, progress);
  const wants = openWants(taskId, environment, record);
  const decided = resolvable<Ending>();
  const begun = resolvable<void>();
  let hasBegun = false;
  let isEnded = false;
  const decide = (ending: Ending): void => {
    isEnded = true;
    decided.resolve(ending);
  };
  const { carry } = options;
  const task = createGovernedTask({
    input,
    environment,
    record,
    inbox,
    begun: begun.promise,
    isEnded: () => isEnded || inbox.killOrder() !== undefined,
    onStopFound: (stopId) => decide({ kind: 'stopped', stopId }),
    leave: carry && (() => new Promise<never>(() => decide({ kind: 'leaving' }))),
    count: (tokensUsed) => {
      counted = { step: counted.step + 1, tokensUsed: counted.tokensUsed + tokensUsed };
    },
  });

  /** The model may think while the ledger is asked; nothing that acts moves, and nothing counts, before it has said yes. */
  const run = async (): Promise<Ending> => {
    const finished = body(task);
    finished.catch(() => undefined); // looked at below, once it counts
    if (input.carried?.begun !== true) {
      const beginning = await begin(input, environment);
      if (beginning.kind !== 'running') return beginning;
      record.apply({ kind: 'began', what: beginning.what });
    }
    hasBegun = true;
    begun.resolve();
    wants.serve().catch(() => undefined); // ends with the scope of the body
    return { kind: 'finished', finished: await finished };
  };
  const result = (outcome: AgentTaskResult['outcome'], answer: string, stopId?: string): AgentTaskResult => ({
    outcome,
    answer,
    steps: progress().step,
    ...(stopId === undefined ? {} : { stopId }),
  });
  const stopped = (stopId: string, why: string): AgentTaskResult => {
    record.apply({ kind: 'closed', phase: 'stopped', what: `${why} ${stopId}`, stopId });
    return result('stopped', '', stopId);
  };
  const endKilled = async ({ reason, actor, namesStop }: KillOrder): Promise<AgentTaskResult> =>
    stopped(
      await latchKill({ taskId, stopId: ownStopId, reason, actor }, namesStop, record.listAsStopping),
      'killed by',
    );
  const end = async (outcome: string): Promise<void> => {
    // A task that has closed without this is found and ended by those who watch; one that does not close would be worse.
    await ledger
      .endTask({ taskId, outcome })
      .catch(() => record.apply({ kind: 'noted', what: 'its end is not in the ledger yet' }));
  };
  const conclude = async (ending: Exclude<Ending, { readonly kind: 'killed' }>): Promise<AgentTaskResult> => {
    switch (ending.kind) {
      case 'stopped':
        return stopped(ending.stopId, 'covered by');
      case 'refused':
        record.apply({ kind: 'closed', phase: 'failed', what: 'the ledger does not know it as open' });
        return result('refused', '');
      case 'finished': {
        const { outcome, answer } = ending.finished;
        await end(outcome);
        record.apply({ kind: 'closed', phase: 'done', what: outcome });
        return result(outcome, answer);
      }
      case 'leaving': {
        await condition(allHandlersFinished);
        const { heldAt, handledMessages, awaiting, timeline } = record.model();
        const openApprovals = awaiting.map(({ approvalId }) => approvalId);
        const kept = {
          begun: hasBegun,
          ...(heldAt === undefined ? {} : { heldAt }),
          handledMessages,
          openApprovals,
          awaiting,
          timeline,
        };
        const next: AgentTaskInput = { ...input, carried: { ...(carry?.() ?? { messages: [], ...counted }), ...kept } };
        return makeContinueAsNewFunc<(input: AgentTaskInput) => Promise<AgentTaskResult>>()(next);
      }
      case 'cancelled':
      case 'broken': {
        // A fault of ours, not of the task: the workflow task fails until the code is mended, and nothing is lost.
        if (ending.kind === 'broken' && !(ending.error instanceof TemporalFailure)) throw ending.error;
        const { stopId } = await ledger.stopOf(taskId);
        if (stopId !== undefined) return stopped(stopId, 'covered by');
        const outcome = ending.kind === 'broken' ? 'failed' : 'cancelled';
        await end(outcome);
        record.apply({ kind: 'closed', phase: 'failed', what: outcome });
        throw ending.kind === 'broken' ? ending.error : new CancelledFailure('the task was cancelled');
      }
      default:
        return ending satisfies never;
    }
  };

  const cancelled = CancellationScope.current().cancelRequested.catch((): Ending => ({ kind: 'cancelled' }));
  // From here on cancellation is only what we make of it.
  return CancellationScope.nonCancellable(async () => {
    const scope = new CancellationScope();
    const live = scope.run(run).catch((error: unknown): Ending => ({ kind: 'broken', error }));
    const killed = inbox.killed.then((): Ending => ({ kind: 'killed' }));
    const first = await Promise.race([killed, cancelled, decided.promise, live]);
    isEnded = true;
    scope.cancel();
    if (first.kind !== 'killed') {
      // A kill beats every other ending for as long as the workflow is open.
      const closing = conclude(first);
      await Promise.race([closing, killed]);
      if (inbox.killOrder() === undefined) return closing;
    }
    return endKilled(await inbox.killed);
  });
}

/** A workflow runs the task that its id names, and no other: whoever may start workflows cannot run one task twice. */
function requireOwnTask({ taskId }: AgentTaskInput): { readonly environment: string; readonly ownStopId: string } {
  const parsed = parseId(taskId);
  const ownStopId = stopIdOfTask(taskId);
  if (parsed === undefined || ownStopId === undefined || workflowInfo().workflowId !== agentTaskWorkflowId(taskId)) {
    throw ApplicationFailure.nonRetryable('The workflow id must be that of its task.', 'invalid-input');
  }
  return { environment: parsed.environment, ownStopId };
}
