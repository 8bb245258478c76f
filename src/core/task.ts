/**
 * The life of a task in the ledger, as pure rules (the store: migrations/0004, 0005). A task is a credential: its keys and its epoch
 * are fixed when it is registered, so what a stop once killed never runs again, whatever is reset. Running again takes a reset AND a
 * new registration (K7).
 */
import { type Credential, deadBy, type StopMark } from './credential.ts';
import type { ScopeKey } from './scope-key.ts';

export interface TaskLife {
  readonly taskId: string;
  readonly state: 'registered' | 'running' | 'closed';
  /** Category 2: power on, nothing new is admitted. Covers the tree below. */
  readonly held: boolean;
  readonly credential: Credential;
}

export type TaskEvent = { readonly kind: 'begin' | 'hold' | 'release' | 'close' };

export type TaskAnswer = 'running' | 'stopped' | 'done' | 'closed';

export interface TaskStep {
  readonly task: TaskLife;
  readonly answer: TaskAnswer;
}

export type Registered =
  | { readonly kind: 'registered'; readonly task: TaskLife }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'parent-closed' };

/** @param keys its own and those of every ancestor (scope-key.ts `taskKeys`) */
export function register(
  taskId: string,
  keys: readonly ScopeKey[],
  epoch: number,
  stops: Iterable<StopMark>,
  parent?: TaskLife,
): Registered {
  if (parent?.state === 'closed') return { kind: 'parent-closed' };
  // A child is as old as its oldest ancestor, so that a reset revives neither.
  const credential = { keys, epoch: Math.min(epoch, parent?.credential.epoch ?? epoch) };
  const killer = deadBy(credential, stops);
  if (killer !== undefined) return { kind: 'stopped', stopId: killer.stopId };
  return { kind: 'registered', task: { taskId, state: 'registered', held: false, credential } };
}

/** Closing and killing are possible in every state; a closed task stays closed. */
export function onTask(task: TaskLife, event: TaskEvent, stops: Iterable<StopMark>): TaskStep {
  if (task.state === 'closed') return { task, answer: 'closed' };
  switch (event.kind) {
    case 'begin':
      return {
        task: { ...task, state: 'running' },
        answer: deadBy(task.credential, stops) === undefined ? 'running' : 'stopped',
      };
    case 'hold':
      return { task: { ...task, held: true }, answer: 'done' };
    case 'release':
      return { task: { ...task, held: false }, answer: 'done' };
    case 'close':
      return { task: { ...task, state: 'closed' }, answer: 'done' };
  }
}

export type CallAnswer = 'allow' | 'stopped' | 'task-closed' | 'held';

/**
 * May this task make a call now? The stop is asked first: a hold or a closing must not hide it.
 * @param line the task and its ancestors
 * @param toolKeys what the call itself adds to the task's keys
 */
export function judgeCall(
  line: readonly [TaskLife, ...TaskLife[]],
  toolKeys: readonly ScopeKey[],
  tokenEpoch: number,
  stops: Iterable<StopMark>,
): CallAnswer {
  const [task] = line;
  const credential = {
    keys: [...task.credential.keys, ...toolKeys],
    epoch: Math.min(tokenEpoch, task.credential.epoch),
  };
  if (deadBy(credential, stops) !== undefined) return 'stopped';
  if (task.state === 'closed') return 'task-closed';
  return line.some((one) => one.held) ? 'held' : 'allow';
}
