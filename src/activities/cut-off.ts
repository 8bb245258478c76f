import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, Context } from '@temporalio/activity';
import { EstopError, errorCodeOf } from '../core/errors.ts';

/** Of many that are cut off the last come as long as this after the first: each that is taken up meanwhile is refused as well. */
const crowdWithinMs = 60_000;
/** What a stop of many takes to end some of them. */
const perCallMs = 50;
/** No slot is kept longer from others; and no longer than briefly where it may be that a model alone is stopped, or half of them are kept. */
const longestMs = 20_000;
const brieflyMs = 2_000;
/** Those that are cut off by one stop are cut off within this. */
const burstMs = 100;
/** Healthy, a stop has ended a task well before. */
const aloneMs = 400;
const secondLookMs = 1_000;
/** Where many are cut off at once, the stop takes that many times as long as a slot is kept. */
const patience = 5;
const mostRemembered = 10_000;
const lookMs = 500;

/** Refused to the task, whatever it asks for. */
export class TaskStopped extends EstopError {
  constructor(detail: string) {
    super('stopped', { detail });
  }
}

type Activity = (...args: never[]) => Promise<unknown>;
type Pause = (ms: number, signal?: AbortSignal) => Promise<void>;

/** The worker in which they run. */
export interface Host {
  /** How many run at a time. */
  readonly slots: number;
  /** It is asked to end: then no slot is kept. */
  readonly isEnding: () => boolean;
  readonly pause?: Pause;
}

/**
 * A call that was cut off is the first that its task hears of a stop, and the last thing that helps to end it: an outcome that comes
 * in while a workflow task closes the workflow makes the server throw that task away, and of a stop of thousands each outcome would
 * be a workflow task of a workflow that is about to be terminated. So what a stop cut off is told late, when the stop has long ended
 * the task, unless it is one of a tool or a model alone, or nobody is there to carry it out: then the task must hear of it.
 * The slot is kept meanwhile, the longer the more are refused: in a free one the next call of a stopped task would begin. Half of the
 * worker's slots are never kept for long: tasks of others wait for one too.
 * Nothing hangs on it: the gateway has refused the call, and goes on refusing. What it wraps must beat until it is told.
 */
export function toldLate<Set extends { readonly [Name in keyof Set]: Activity }>(
  set: Set,
  { slots, isEnding, pause = (ms, signal) => sleep(ms, undefined, { signal }) }: Host,
): Set {
  const rest = (ms: number): Promise<void> => (ms > 0 ? keepSlot(ms, pause, isEnding) : Promise.resolve());
  const crowd = openCrowd();
  const putOff = openPutOff();
  let keeping = 0;
  const keep = async (ms: number): Promise<void> => {
    if (keeping >= slots / 2) return rest(Math.min(ms, brieflyMs));
    keeping += 1;
    try {
      await rest(ms);
    } finally {
      keeping -= 1;
    }
  };
  const late = (activity: Activity): Activity => {
    return async (...args) => {
      try {
        const outcome = await activity(...args);
        // Whatever ends the rest, it is an outcome: thrown away, another worker would make the call again.
        if (isCutOff(outcome)) await rest(aloneMs).catch(() => undefined);
        return outcome;
      } catch (thrown) {
        if (errorCodeOf(thrown) !== 'stopped') throw thrown;
        if (!putOff.isFirst()) throw thrown;
        crowd.add();
        await rest(burstMs);
        const mostMs = thrown instanceof TaskStopped ? longestMs : brieflyMs;
        await keep(Math.min(mostMs, crowd.takesMs()) - burstMs);
        // Tried again, it is refused again: without an event in the history of a task that will not live to see it.
        throw new EstopError('stopped', { cause: thrown, retryAfterMs: secondLookMs + patience * crowd.takesMs() });
      }
    };
  };
  const wrapped = Object.entries<Activity>(set).map(([name, activity]) => [name, late(activity)] as const);
  return Object.fromEntries(wrapped) as Set; // same names, and functions of the same types
}

/**
 * Ends early, as cancelled, where the task gives the call up or the worker ends; not where the task is over, which is what the slot
 * is kept for: many more are behind it, and one that begins now costs the server and the ledger more than one that rests.
 */
async function keepSlot(ms: number, pause: Pause, isEnding: () => boolean): Promise<void> {
  const context = Context.current();
  const until = performance.now() + ms;
  try {
    await pause(ms, context.cancellationSignal);
  } catch (cancelled) {
    if (context.cancellationDetails?.notFound !== true) throw cancelled;
    // Of what is over the SDK says no more: whether the worker ends is looked for.
    for (let left = until - performance.now(); left > 0 && !isEnding(); left -= lookMs)
      await pause(Math.min(left, lookMs));
    throw cancelled;
  }
}

/** A tool call that was refused for a stop or broken off, or a step whose model gave no turn: a stop does that to them. */
function isCutOff(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if ('outcome' in value) return isCutOff(value.outcome) || (isOver(value.outcome) && !('turn' in value));
  return 'kind' in value && (value.kind === 'stopped' || value.kind === 'interrupted');
}

function isOver(outcome: unknown): boolean {
  if (typeof outcome !== 'object' || outcome === null || !('kind' in outcome)) return false;
  return outcome.kind === 'answered' || outcome.kind === 'denied';
}

/** How many were cut off of late. */
function openCrowd(): { add(): void; takesMs(): number } {
  const times: number[] = [];
  return {
    add: () => {
      const now = performance.now();
      times.push(now);
      while (now - (times[0] ?? now) > crowdWithinMs || times.length * perCallMs > longestMs) times.shift();
    },
    takesMs: () => times.length * perCallMs,
  };
}

/** Whether an activity that a stop refuses is refused here for the first time. Forgotten, it is put off once more. */
function openPutOff(): { isFirst(): boolean } {
  const keys = new Set<string>();
  return {
    isFirst: () => {
      const { workflowExecution, activityId } = activityInfo();
      const key = `${workflowExecution?.runId ?? ''} ${activityId}`;
      if (keys.delete(key)) return false;
      if (keys.size >= mostRemembered) keys.clear();
      keys.add(key);
      return true;
    },
  };
}
