/** What kind of thing is deleted: who wants mails gone has not asked for the end of a meeting. */

import { stem } from './language/stem.ts';
import type { TaskFlow } from './task-flow.ts';

const kinds: readonly (readonly string[])[] = [
  'mail email message letter newsletter inbox',
  'event meeting appointment calendar invite',
  'file folder document directory photo image picture attachment log',
  'repository repo branch',
  'user account member customer profile',
  'ticket issue task todo reminder',
  'note page article',
  'table row record database column',
  'order booking reservation subscription',
  'payment transfer card transaction beneficiary',
  'contact',
  'channel room',
  'post tweet comment reply review',
].map((words) => words.split(' ').map(stem));

const vague = ['return', 'refund', 'end', 'withdraw', 'unsubscribe'].map(stem);
const plain = 'cancel revoke undo void decline stop abort terminate retract rescind scrap nix annul'
  .split(' ')
  .map(stem);

/** "Return the list", "until the end of May": words that may ask to cancel something, and never a meeting. */
export function onlyReturns({ families, verbs, hash }: TaskFlow): boolean {
  const isSaid = (word: string): boolean => verbs.has(hash(`v:${word}`));
  return !families.has('delete') && vague.some(isSaid) && !plain.some(isSaid);
}

/** Things that are called by their name, so that to change or to end another is not to touch these. */
const devices: readonly (readonly string[])[] = [
  'alarm wake timer clock',
  'wifi wlan wireless network internet',
  'bluetooth',
  'cellular roaming',
  'location gps',
  'light lamp bulb dark bright',
  'unlock gate garage',
  'thermostat temperature heating warm cold heat cool',
  'blind shutter curtain',
].map((words) => words.split(' ').map(stem));

/** The tool names one kind, and the request only others. What either does not name makes no difference. */
export function isOtherKind(flow: TaskFlow, words: readonly string[]): boolean {
  return isOtherOf(flow, kinds, words);
}

/** Who wants a meeting cancelled has not asked for the end of an alarm. */
export function isOtherDevice(flow: TaskFlow, words: readonly string[]): boolean {
  return isOtherOf(flow, devices, words);
}

function isOtherOf({ verbs, hash }: TaskFlow, among: typeof kinds, words: readonly string[]): boolean {
  const folded = new Set(words.map(stem));
  const own = among.filter((kind) => kind.some((word) => folded.has(word)));
  if (own.length === 0) return false;
  const isSaid = (kind: readonly string[]): boolean => kind.some((word) => verbs.has(hash(`v:${word}`)));
  return !own.some(isSaid) && [...kinds, ...devices].some(isSaid);
}
