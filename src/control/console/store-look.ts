import { currentEpoch } from '../../store/installation.ts';
import type { Store } from '../../store/pool.ts';
import { knownInTime } from '../known-in-time.ts';

/** A page asks every few seconds, and gives up on its question after four. */
const patienceMs = 1_500;
const keptMs = 1_000;

/**
 * Whether what pages show could be read just now. One question for all tabs, and none within a second of the last. A store that is slow
 * to answer is away for whoever reads.
 */
export function createStoreLook(store: Store): () => Promise<boolean> {
  let last: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  return () => {
    if (last === undefined || performance.now() - last.at > keptMs)
      last = { at: performance.now(), answer: answers(store) };
    return last.answer;
  };
}

const answers = async (store: Store): Promise<boolean> => (await knownInTime(currentEpoch(store), patienceMs)) !== null;
