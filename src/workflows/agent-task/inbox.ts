import type { RawValue } from '@temporalio/common';
import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { AgentTaskInput, ReceiptRequest } from '../../contract/agent-task.ts';
import { readUntrusted } from '../untrusted-signal.ts';
import { isHandled, stateOf } from './machine.ts';
import {
  approveSignal,
  fieldOf,
  holdSignal,
  killSignal,
  receiptUpdate,
  releaseSignal,
  statusQuery,
  timelineQuery,
} from './messages.ts';
import type { Progress, TaskRecord } from './record.ts';
import { resolvable } from './resolvable.ts';

export interface KillOrder {
  readonly reason: string;
  readonly actor: string;
  /** It claims to come of a stop that is in force already. */
  readonly namesStop: boolean;
}

export interface Inbox {
  /** Resolves at the first `kill`; later ones change nothing. */
  readonly killed: Promise<KillOrder>;
  killOrder(): KillOrder | undefined;
  /** How many `approve` signals could concern a call of this task. */
  wakeUps(): number;
}

/** Handlers only change state, synchronously; whatever follows from it happens in the main flow. */
export function openInbox(input: AgentTaskInput, record: TaskRecord, progress: () => Progress): Inbox {
  const killed = resolvable<KillOrder>();
  let killOrder: KillOrder | undefined;
  let wakeUps = 0;

  setHandler(killSignal, (raw?: RawValue) => {
    const message = readUntrusted(raw);
    if (killOrder !== undefined) return;
    // Who sent it is a claim. It is recorded as one; the latch does not depend on it.
    killOrder = {
      reason: fieldOf(message, 'reason') ?? 'kill signal',
      actor: `signal:${fieldOf(message, 'actor') ?? 'unnamed'}`,
      namesStop: fieldOf(message, 'stopId') !== undefined,
    };
    record.apply({ kind: 'told-to-stop', why: `kill from ${killOrder.actor}: ${killOrder.reason}` });
    killed.resolve(killOrder);
  });
  setHandler(approveSignal, (raw?: RawValue) => {
    const message = readUntrusted(raw);
    const { awaiting } = record.model();
    const approvalId = fieldOf(message, 'approvalId');
    const isOthers =
      approvalId !== undefined && awaiting.length > 0 && awaiting.every((pending) => pending.approvalId !== approvalId);
    if (isOthers || isHandled(record.model(), approvalId)) return;
    wakeUps += 1;
  });
  setHandler(holdSignal, (raw?: RawValue) => {
    const message = readUntrusted(raw);
    record.apply({ kind: 'held', ...messageIdOf(message) });
  });
  setHandler(releaseSignal, (raw?: RawValue) => {
    const message = readUntrusted(raw);
    record.apply({ kind: 'released', ...messageIdOf(message) });
  });
  setHandler(
    receiptUpdate,
    (request?: ReceiptRequest) => ({
      state: stateOf(record.model()),
      seen: isHandled(record.model(), request?.messageId),
    }),
    { validator: checkReceiptRequest },
  );
  setHandler(statusQuery, () => {
    const model = record.model();
    return {
      taskId: input.taskId,
      agentId: input.agentId,
      state: stateOf(model),
      ...progress(),
      openApprovals: model.awaiting.map(({ approvalId }) => approvalId),
      ...(model.stopId === undefined ? {} : { stopId: model.stopId }),
    };
  });
  setHandler(timelineQuery, () => record.model().timeline);

  return { killed: killed.promise, killOrder: () => killOrder, wakeUps: () => wakeUps };
}

function messageIdOf(message: unknown): { readonly messageId?: string } {
  const messageId = fieldOf(message, 'messageId');
  return messageId === undefined ? {} : { messageId };
}

/** Synchronous: an update whose validator is not is accepted first and then fails the workflow task for ever. */
function checkReceiptRequest(request?: ReceiptRequest): void {
  if (request?.messageId === undefined || fieldOf(request, 'messageId') === request.messageId) return;
  throw ApplicationFailure.nonRetryable('messageId must be a short line of text', 'invalid-input');
}
