import type { Task, TaskTree } from '../contract/http/tasks.ts';
import { visible } from './visible.ts';

/** Parents above their children, indented by as much as they are deep. */
export function treeLines({ items, truncated }: TaskTree, stateOf: (task: Task) => string): readonly string[] {
  const known = new Set(items.map(({ taskId }) => taskId));
  const below = (parent: string | undefined, depth: number): readonly string[] =>
    items
      // Of a tree that is cut, what hangs on nothing that is shown is a root.
      .filter(({ parentTaskId }) =>
        parent === undefined ? parentTaskId === null || !known.has(parentTaskId) : parentTaskId === parent,
      )
      .toReversed()
      .flatMap((task) => [
        `${'  '.repeat(depth)}${task.taskId}  ${visible(task.agentId)}  ${visible(stateOf(task))}`,
        ...below(task.taskId, depth + 1),
      ]);
  return [...below(undefined, 0), ...(truncated ? ['.. older ones are not shown'] : [])];
}
