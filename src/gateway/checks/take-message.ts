import { type Check, denied, type Verdict } from '../passage.ts';
import { fenceAndAnswer } from './fence-and-answer.ts';

/** What a client says unasked goes to its own session alone, and only while nothing covers its task. */
export const fenceAndTake: Check = (passage): Verdict => {
  const { asked, client, facts } = passage;
  if (asked.kind !== 'cancellation') return denied('internal');
  facts.answer = {};
  const verdict = fenceAndAnswer(passage);
  if (verdict === undefined) client?.session?.take(asked.message);
  return verdict as Verdict; // it is synchronous
};
