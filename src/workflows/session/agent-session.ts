import type { RawValue } from '@temporalio/common';
import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import type { CallCounts } from '../../contract/activities.ts';
import type { AgentTaskInput, AgentTaskResult } from '../../contract/agent-task.ts';
import { ledger } from '../agent-task/activities.ts';
import { type Finished, governed } from '../agent-task/governed.ts';
import type { GovernedTask } from '../agent-task/governed-task.ts';
import { closeSignal, fieldOf } from '../agent-task/messages.ts';
import { readUntrusted } from '../untrusted-signal.ts';
import { dueAt, endOf, nextLookAt, noted } from './session-clock.ts';

/**
 * Stands for an agent that runs outside and speaks to the gateway by itself: registered, granted, held, killed and ended like any
 * task, because it is one. It looks at the ledger now and then and writes one line for all calls since; a call is no event here.
 */
export async function agentSession(input: AgentTaskInput): Promise<AgentTaskResult> {
  const { session, carried } = input;
  if (session === undefined) throw ApplicationFailure.nonRetryable('A session needs its terms.', 'invalid-input');
  let closedBy: string | undefined;
  let calls = carried?.step ?? 0;
  setHandler(closeSignal, (raw?: RawValue) => {
    closedBy ??= fieldOf(readUntrusted(raw), 'actor') ?? 'unnamed';
  });

  const look = async (task: GovernedTask): Promise<CallCounts> => {
    const counts = await ledger.callsOf(input.taskId);
    if (counts.admitted > calls) task.note(noted(counts, calls));
    calls = Math.max(calls, counts.admitted);
    return counts;
  };
  const attend = async (task: GovernedTask): Promise<Finished> => {
    let activeAt = Date.parse(session.openedAt);
    for (;;) {
      const due = dueAt(session, activeAt);
      await condition(() => closedBy !== undefined, Math.max(1, nextLookAt(session, due, Date.now()) - Date.now()));
      const { lastAt } = await look(task);
      if (closedBy !== undefined) return { outcome: 'closed', answer: `closed by ${closedBy}` };
      const now = Date.now();
      activeAt = Math.max(activeAt, lastAt === undefined ? 0 : Date.parse(lastAt), task.isHeld() ? now : 0);
      const outcome = endOf(session, activeAt, now);
      if (outcome !== undefined) return { outcome, answer: '' };
      await task.pause();
    }
  };
  return governed(input, attend, { carry: () => ({ messages: [], step: calls, tokensUsed: 0 }) });
}
