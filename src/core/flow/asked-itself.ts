/**
 * Deeds that nobody does by the way. Whoever wants to buy something, or wants a text changed, has not asked for an exchange of what he
 * has, nor to take in what others wrote: the request must speak of the deed itself.
 */
import type { FlowCall } from './call.ts';
import { isOtherDevice } from './device.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { stem } from './language/stem.ts';
import { awaitsCode, isAwaited } from './one-time-code.ts';
import type { TaskFlow } from './task-flow.ts';
import { meantIn } from './tool/family.ts';
import { wordsOfTool } from './tool/words-of-tool.ts';

const stems = (words: string): ReadonlySet<string> => new Set(words.split(' ').map(stem));

const exchanges = stems('exchange swap');
const asksExchange = /\bexchang\p{L}*/iu;
/** Of goods; of a word in a text it is none. */
const changes = /\b(?:swap|trad|replac|substitut)\p{L}*/iu;
const goods =
  /\b(?:orders?|items?|products?|goods|delivered|bought|purchased?|coins?|tokens?|crypto|shares|stocks?|currenc(?:y|ies)|money)\b|#\w*\d/iu;
const exchangeKey = (hash: KeyedHash): string => hash('d:exchange');

/** What a task remembers of the request for this. */
export const askedItself = (hash: KeyedHash, request: string): readonly string[] => [
  ...(isExchange(meantIn(request), request) ? [exchangeKey(hash)] : []),
  ...awaitsCode(hash, request),
];

const isExchange = (meant: string, request: string): boolean =>
  asksExchange.test(meant) || (changes.test(meant) && goods.test(request));

const takesIn = stems('merge');
const ofOthers = stems('pull request pr branch');
/** "create_merge_request". */
const handsIn = stems('create open submit update');
const asksToTakeIn = [...stems('merge integrate incorporate land accept')];

/** Of each pair whoever asks for the one has not asked for the other. */
const opposites: readonly (readonly [string, string])[] = [
  ['unlock', 'lock'],
  ['lock', 'unlock'],
  ['disable', 'enable'],
  ['deactivate', 'activate'],
  ['mute', 'unmute'],
  ['unfreeze', 'freeze'],
].map(([deed = '', other = '']) => [stem(deed), stem(other)] as const);

const disarm = stem('disarm');
const asksToDisarm = [...stems('disarm off disable deactivate silence stop')];

/** Whether it is such a deed: asked for, or not; undefined: none. */
export function isAskedItself(flow: TaskFlow, call: FlowCall): boolean | undefined {
  const { families, tier } = call.profile;
  if (tier === 'code') return isAwaited(flow);
  if (isOtherDevice(flow, call)) return false;
  const words = wordsOfTool(call.profile).map(stem);
  const has = (some: ReadonlySet<string>): boolean => words.some((word) => some.has(word));
  const isSaid = (word: string): boolean => flow.verbs.has(flow.hash(`v:${word}`));
  if (has(takesIn) && has(ofOthers) && !has(handsIn) && !asksToTakeIn.some(isSaid)) return false;
  if (opposites.some(([deed, other]) => words.includes(deed) && isSaid(other) && !isSaid(deed))) return false;
  if (words.includes(disarm) && !asksToDisarm.some(isSaid)) return false;
  if (!has(exchanges)) return undefined;
  if (!flow.verbs.has(exchangeKey(flow.hash))) return false;
  return families.every((family) => family === 'purchase') ? true : undefined;
}
