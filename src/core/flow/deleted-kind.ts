/** What kind of thing is deleted: who wants mails gone has not asked for the end of a meeting. */

import { stem } from './language/stem.ts';
import { isOtherOf, kinds } from './named-kind.ts';
import type { TaskFlow } from './task-flow.ts';

const vague = ['return', 'refund', 'end', 'withdraw', 'unsubscribe'].map(stem);
const plain = 'cancel revoke undo void decline stop abort terminate retract rescind scrap nix annul'
  .split(' ')
  .map(stem);

/** "Return the list", "until the end of May": words that may ask to cancel something, and never a meeting. */
export function onlyReturns({ families, verbs, hash }: TaskFlow): boolean {
  const isSaid = (word: string): boolean => verbs.has(hash(`v:${word}`));
  return !families.has('delete') && vague.some(isSaid) && !plain.some(isSaid);
}

/** The tool names one kind, and the request only others. What either does not name makes no difference. */
export function isOtherKind(flow: TaskFlow, words: readonly string[]): boolean {
  return isOtherOf(flow, kinds, words);
}
