import { setTimeout as pause } from 'node:timers/promises';
import type { TaskWorkflows } from '../task-workflows.ts';

/** A page waits no longer for it; an answer that comes later is there for the next look. */
const pageWaitsMs = 300;
/** A page that nothing happens to looks again every 15 s. */
const keptMs = 20_000;

interface Known {
  asking?: Promise<void> | undefined;
  last?: { readonly at: number; readonly answer: boolean };
}
const known = new WeakMap<TaskWorkflows, Known>();

/** Whether Temporal answers this process; undefined: not known so soon. */
export async function isTemporalThere(workflows: TaskWorkflows): Promise<boolean | undefined> {
  const mine = known.get(workflows) ?? {};
  known.set(workflows, mine);
  mine.asking ??= workflows
    .isReachable()
    .catch(() => false)
    .then((answer) => {
      mine.last = { at: performance.now(), answer };
      mine.asking = undefined;
    });
  const enough = new AbortController();
  await Promise.race([mine.asking, pause(pageWaitsMs, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
  return mine.last === undefined || performance.now() - mine.last.at > keptMs ? undefined : mine.last.answer;
}
