import type { AgentTaskInput, PendingApproval, TaskState, TimelineEntry } from '../../contract/agent-task.ts';

type OpenPhase = 'starting' | 'running' | 'stopping';
type FinalPhase = 'done' | 'stopped' | 'failed';

/** Where a governed task stands. `held` and `awaiting` are kept beside the phase, so that a stop never has to undo them. */
export interface TaskModel {
  readonly phase: OpenPhase | FinalPhase;
  readonly heldAt: string | undefined;
  readonly awaiting: readonly PendingApproval[];
  /** Ids of messages that took effect. Only such enter, so junk cannot push a real one out. */
  readonly handledMessages: readonly string[];
  readonly timeline: readonly TimelineEntry[];
  readonly stopId: string | undefined;
}

export type TaskEvent =
  | { readonly kind: 'began'; readonly what: string }
  | { readonly kind: 'noted'; readonly what: string }
  | { readonly kind: 'held'; readonly messageId?: string }
  | { readonly kind: 'released'; readonly messageId?: string }
  | { readonly kind: 'asked'; readonly pending: PendingApproval }
  | { readonly kind: 'decided'; readonly approvalId: string; readonly decision: string }
  | { readonly kind: 'told-to-stop'; readonly why: string }
  | { readonly kind: 'closed'; readonly phase: FinalPhase; readonly what: string; readonly stopId?: string };

const maxTimeline = 200;
const maxHandled = 256;

export function openModel(input: AgentTaskInput): TaskModel {
  const { carried } = input;
  return {
    phase: carried?.begun === true ? 'running' : 'starting',
    heldAt: carried?.heldAt,
    awaiting: carried?.awaiting ?? [],
    handledMessages: carried?.handledMessages ?? [],
    timeline: carried?.timeline ?? [],
    stopId: undefined,
  };
}

export function isFinal(model: TaskModel): boolean {
  return model.phase === 'done' || model.phase === 'stopped' || model.phase === 'failed';
}

export function stateOf(model: TaskModel): TaskState {
  if (model.phase !== 'running') return model.phase;
  if (model.heldAt !== undefined) return 'held';
  return model.awaiting.length === 0 ? 'running' : 'awaiting-approval';
}

/** An event that does not apply leaves the very same model. A stop applies in every state that is not final. */
export function transition(model: TaskModel, event: TaskEvent, at: string): TaskModel {
  if (isFinal(model)) return model;
  const noted = (what: string): readonly TimelineEntry[] => [...model.timeline, { at, what }].slice(-maxTimeline);
  if (event.kind === 'closed') {
    const stopId = event.stopId ?? model.stopId;
    return { ...model, phase: event.phase, awaiting: [], heldAt: undefined, stopId, timeline: noted(event.what) };
  }
  if (model.phase === 'stopping') return model;
  switch (event.kind) {
    case 'told-to-stop':
      return { ...model, phase: 'stopping', timeline: noted(event.why) };
    case 'began':
      return model.phase === 'starting' ? { ...model, phase: 'running', timeline: noted(event.what) } : model;
    case 'noted':
      return { ...model, timeline: noted(event.what) };
    case 'held':
      if (model.heldAt !== undefined || isHandled(model, event.messageId)) return model;
      return { ...model, heldAt: at, handledMessages: handled(model, event.messageId), timeline: noted('held') };
    case 'released':
      if (model.heldAt === undefined || isHandled(model, event.messageId)) return model;
      return {
        ...model,
        heldAt: undefined,
        handledMessages: handled(model, event.messageId),
        timeline: noted('released'),
      };
    case 'asked': {
      const { pending } = event;
      if (model.awaiting.some(({ approvalId }) => approvalId === pending.approvalId)) return model;
      return {
        ...model,
        awaiting: [...model.awaiting, pending],
        timeline: noted(`${pending.tool} waits for approval ${pending.approvalId}`),
      };
    }
    case 'decided': {
      const { approvalId, decision } = event;
      const awaiting = model.awaiting.filter((pending) => pending.approvalId !== approvalId);
      if (awaiting.length === model.awaiting.length) return model;
      return {
        ...model,
        awaiting,
        handledMessages: handled(model, approvalId),
        timeline: noted(`approval ${approvalId}: ${decision}`),
      };
    }
    default:
      return event satisfies never;
  }
}

export function isHandled(model: TaskModel, messageId: string | undefined): boolean {
  return messageId !== undefined && model.handledMessages.includes(messageId);
}

function handled(model: TaskModel, messageId: string | undefined): readonly string[] {
  return messageId === undefined ? model.handledMessages : [...model.handledMessages, messageId].slice(-maxHandled);
}
