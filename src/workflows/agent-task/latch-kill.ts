import { TemporalFailure, workflowInfo } from '@temporalio/workflow';
import type { Kill } from '../../contract/activities.ts';
import { latch, stopProcess } from './activities.ts';

/**
 * A workflow task that stays open for a local activity is failed by the server once too much waits behind it, and a flood
 * of large signals would fail every one: each adds what waited to the history, so this many events are the end of such tries.
 */
const calmEvents = 1_000;

/**
 * The first act of a killed task; returns the stop that kills it. A bare kill goes to the stop process, inside this workflow task.
 * Whatever that cannot do at once (it is away or slow, the id is taken), every kill that names a stop, and one amid a flood, goes to
 * the trusted queue, which looks for a stop that covers the task already: a stop of ten thousand tasks must not latch ten thousand
 * more. The same id is the same stop on both roads. What a kill names is a claim: believed, it could only cost a hop.
 * `onLonger` is called before the second road, which takes its time.
 * rule: caller-mints-stop-id
 */
export async function latchKill(kill: Kill, namesStop: boolean, onLonger: () => void): Promise<string> {
  if (!namesStop && workflowInfo().historyLength < calmEvents) {
    try {
      return (await stopProcess.placeKill(kill)).stopId;
    } catch (error) {
      if (!(error instanceof TemporalFailure)) throw error; // of a local activity it comes without an ActivityFailure around it
    }
  }
  onLonger();
  return (await latch.latchTask(kill)).stopId;
}
