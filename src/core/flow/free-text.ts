/** Free text that a server is told. Whatever stands around a value, the value goes to the server with it. */
import { heldAlone } from './facts.ts';
import {
  copiedWords,
  type Found,
  originOfParty,
  originOfSite,
  originOfText,
  originOfValue,
  wordsToCompare,
} from './origin.ts';
import { addressParts } from './path-form.ts';
import { isToken, scan } from './scan.ts';
import { isEmail, isHost } from './site.ts';
import type { TaskFlow } from './task-flow.ts';

export interface TextPart {
  readonly role: 'ref' | 'url';
  readonly text: string;
  readonly found: Found;
}

/** To compare more of it word by word would cost more than a call may. */
export const longestText = 4_000;
const mostTokens = 300;
const mostParts = 40;

/** The values in the texts of one call, as far as they stand only in text that was read, and the sites. More than are looked at are held together. */
export function partsOfTexts(flow: TaskFlow, texts: readonly string[]): readonly TextPart[] {
  const tokens = new Set<string>();
  let overflow = false;
  for (const text of texts) {
    if (text.length > longestText) continue; // all of it is held, once anything was read
    const found = scan(text, { letters: longestText, words: longestText, values: mostTokens + 1 });
    overflow ||= found.overflow;
    for (const token of [...found.values, ...groupsIn(text)]) if (isTelling(token)) tokens.add(token);
  }
  const hasRead = flow.words.prose.size > 0 || flow.overflow;
  // Named by all of them: a yes to these is no yes to the next.
  if (hasRead && (overflow || tokens.size > mostTokens))
    return [beyond(`more values than are looked at (${flow.hash(JSON.stringify(texts))})`)];
  return [...tokens].flatMap((token) => partsOfToken(flow, token));
}

const beyond = (text: string): TextPart => ({ role: 'ref', text, found: { origin: 'prose', call: 0 } });

function partsOfToken(flow: TaskFlow, token: string): readonly TextPart[] {
  const isAddress = link.test(token);
  const site: readonly TextPart[] = isAddress ? [{ role: 'url', text: token, found: originOfSite(flow, token) }] : [];
  const parts = addressParts(token);
  if (parts.length > mostParts) return [...site, beyond(token)];
  const held = [...new Set([token, ...parts])].flatMap((text): readonly TextPart[] => {
    if (text !== token && !isTelling(text)) return [];
    const found = originOfValue(flow, text);
    return heldAlone('ref', found.origin) && !isMadeOfKnown(flow, text) ? [{ role: 'ref', text, found }] : [];
  });
  return [...site, ...held];
}

/** Names one thing among many: an address, an id, an account, a key. A small number, a year, a day or a time of day does not, and no word does. */
function isTelling(token: string): boolean {
  const letters = token.replaceAll(/[^\p{L}\p{N}]+/gu, '');
  if (letters.length < 3 || isTime(token)) return false;
  const figures = letters.replaceAll(/\P{N}+/gu, '').length;
  if (figures >= 3 || (figures > 0 && letters.length >= 5)) return true;
  if (/\S@\S|[_\\]|^[~.]{0,2}\/|\/.*\//.test(token) || isHost(token)) return true;
  return isToken(letters) || /\p{Ll}\p{Lu}.*\p{Ll}\p{Lu}/u.test(letters);
}

const isTime = (token: string): boolean =>
  /^(?:(?:19|20)\d\d(?:[-/.]\d\d?){0,2}|\d\d?[-/.]\d\d?[-/.](?:19|20)\d\d)?(?:[T ]?\d\d?:\d\d(?::\d\d)?Z?)?$/i.test(
    token,
  );

/** Of words that the user said, or that stand in short fields. Of an address each word may be known, and whose it is not. */
function isMadeOfKnown(flow: TaskFlow, text: string): boolean {
  if (text.includes('@') || text.includes('://')) return false;
  const words = wordsToCompare(text).map(flow.word);
  return words.length > 0 && words.every((word) => flow.words.request.has(word) || flow.words.known.has(word));
}

const group = /(?<![\p{L}\p{N}])[A-Z0-9]{1,6}(?:[ -][A-Z0-9]{1,6}){2,11}(?![\p{L}\p{N}])/gu;
const mostGroups = 40;

/** An account may be printed in groups: each row of them may be one. */
function groupsIn(text: string): readonly string[] {
  const found: string[] = [];
  for (const [row] of text.matchAll(group)) {
    const groups = row.split(/[ -]/);
    for (let from = 0; from < groups.length; from += 1)
      for (let to = from + 3; to <= groups.length && found.length < mostGroups; to += 1)
        found.push(groups.slice(from, to).join('-'));
  }
  return found;
}

/** A body may be a whole file: what lies beyond is not looked at. */
const longestBody = 64_000;
const mostInBodies = 2_000;
const link = /^(?:https?:\/\/|www\.)\S/i;

/** Sites, addresses and accounts in texts of the agent's own that stand only in prose: not in the request, nor in a field of a record. */
export function leadsIn(
  flow: TaskFlow,
  texts: readonly string[],
): readonly { readonly role: 'url' | 'party'; readonly text: string; readonly found: Found }[] {
  const limits = { letters: longestBody, words: longestBody, values: mostInBodies };
  const leads = new Set(texts.flatMap((text) => [...scan(text, limits).values]).filter(isLead));
  return [...leads].flatMap((text) => {
    const role = link.test(text) ? 'url' : 'party';
    const own = role === 'url' ? originOfSite(flow, text) : originOfParty(flow, text);
    if (!heldAlone(role, own.origin)) return [];
    const found = originOfValue(flow, text);
    return found.origin === 'prose' || found.origin === 'tainted' ? [{ role, text, found }] : [];
  });
}

const isLead = (value: string): boolean =>
  link.test(value) || isEmail(value) || /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(value);

const fewestWords = 3;

/** Mostly words that were read as prose. One or two that everybody says are none of it. */
export function originOfWords(flow: TaskFlow, text: string): Found | undefined {
  if (text.length > longestText)
    return flow.words.prose.size > 0 || flow.overflow ? { origin: 'prose', call: 0 } : undefined;
  const words = wordsToCompare(text).length;
  if (words < fewestWords || 2 * copiedWords(flow, text) < words) return undefined;
  const found = originOfText(flow, text);
  return heldAlone('text', found.origin) ? found : undefined;
}
