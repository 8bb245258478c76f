import { currentEpoch } from '../../store/installation.ts';
import type { Store } from '../../store/pool.ts';
import { knownInTime } from '../known-in-time.ts';

/** A page asks every few seconds, and gives up on its question after four. */
const patienceMs = 1_500;
const keptMs = 1_000;

export type Look = () => Promise<boolean>;

/**
 * Whether something answers just now. One question for all tabs, and none within a second of the last. What is slow to answer is away for
 * whoever waits.
 */
function createLook(ask: () => Promise<unknown>): Look {
  let last: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  return () => {
    if (last === undefined || performance.now() - last.at > keptMs)
      last = { at: performance.now(), answer: knownInTime(ask(), patienceMs).then((answer) => answer !== null) };
    return last.answer;
  };
}

/** Whether what pages show could be read. */
export const createStoreLook = (store: Store): Look => createLook(() => currentEpoch(store));

/** Whether an order that is pressed here would be heard. What becomes of it then is for the order's own answer to say. */
export const createStopLook = (stopUrl: string): Look =>
  createLook(async () => {
    const answer = await fetch(new URL('/livez', stopUrl), {
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'error',
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer.status;
  });
