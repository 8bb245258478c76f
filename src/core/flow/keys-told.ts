/**
 * Keys, passwords and numbers of persons that were read, in what a tool is given to say: whoever is told one can use it. Known by
 * their look, or by the label in front of which they stood; one that looks like a word and bore none is not found, and neither is
 * one that the agent writes in another form: in two pieces, spaced or encoded.
 */
import { loose } from './canonical.ts';
import { type Draft, mark } from './draft.ts';
import { stem } from './language/stem.ts';
import { type Found, originOfValue } from './origin.ts';
import { exactKey, looseKey, type TaskFlow } from './task-flow.ts';

export interface KeyTold {
  readonly role: 'secret';
  readonly text: string;
  readonly found: Found;
}

const longestBody = 64_000;
const mostKeys = 200;

export function keysTold(flow: TaskFlow, texts: readonly string[]): readonly KeyTold[] {
  if (flow.calls === 0) return [];
  const heads = texts.map((text) => text.slice(0, longestBody));
  const keys = new Set(heads.flatMap((text) => [...keysIn(text), ...keysInLinks(flow, text)]));
  const words = new Set(heads.flatMap(wordsIn));
  return [...new Set([...[...keys].slice(0, mostKeys), ...[...words].slice(0, mostWords)])].flatMap(
    (text): readonly KeyTold[] => {
      if (!keys.has(text) && !flow.values.has(labelledKey(flow, text))) return [];
      const { origin, call } = originOfValue(flow, text);
      if (given.has(origin)) return [];
      return wasRead(flow, text) ? [{ role: 'secret', text, found: { origin: 'prose', call } }] : [];
    },
  );
}

const labelledKey = ({ hash }: TaskFlow, text: string): string => hash(`k:${loose(text)}`);
const mostWords = 400;
const wordsIn = (text: string): readonly string[] =>
  (text.match(/[^\s,;()[\]{}"'`<>|]{4,128}/gu) ?? [])
    .map(trimmed)
    .filter((word) => /[\d\p{S}\p{P}]|\p{Ll}\p{Lu}/u.test(word));
const trimmed = (word: string): string => word.replaceAll(/^[.:!?]+|[.,:!?]+$/g, '');

const kinds = [
  'password passwort passwd passphrase passcode pwd contrase\u00f1a',
  'secret token credential credentials',
  'pin cvv cvc',
  'passport',
  'ssn social',
  'iban',
].map((words) => words.split(' '));
const label = new RegExp(
  `(?<![\\p{L}\\p{N}])((?:api|access|private|secret|recovery|backup)[ _-]?keys?|(?:${kinds.flat().join('|').replace('social', 'social(?=[ _-]security)')})(?:[ _-]?(?:no|number|nr|code|id|security[ _-]number)|["']?,?\\s{1,20}["']?(?:no|number|nr|code))?\\.?)["']?(?<parted>(?: is\\b)? ?[:=#]?)\\s*["']?([^\\s"',;]{4,128})`,
  'giu',
);
const mostLabels = 100;
/** "the password reset-link", "pin 4-pack", "secret GitHub token": with nothing between them the label is a word as well. */
const ordinary = /^(?:\d+-)?\p{L}+(?:[-'’/]\p{L}+)*$/u;

/** What stands behind such a label. One that the user spoke of by its name may be passed on. */
export function noteLabels(draft: Draft, output: string): void {
  const { flow } = draft;
  for (const [, name = '', parted = '', value = ''] of [...output.slice(0, longestBody).matchAll(label)].slice(
    0,
    mostLabels,
  )) {
    const said = name.toLowerCase().split(/[ _-]/);
    const kind = kinds.find((words) => words.some((word) => said.includes(word))) ?? ['key', 'keys'];
    const word = trimmed(value);
    if (parted.trim() === '' && ordinary.test(word)) continue;
    if (!/\d|\p{P}|\p{S}|\p{Ll}\p{Lu}/u.test(word) || kind.some((one) => flow.verbs.has(flow.hash(`v:${stem(one)}`))))
      continue;
    mark(draft, labelledKey(flow, word), 'prose');
    mark(draft, looseKey(flow.hash, word), 'prose');
  }
}

const given: ReadonlySet<string> = new Set(['request', 'own', 'approved', 'file']);
/** Not only possible because something lay beyond what is looked at. */
const wasRead = ({ values, hash }: TaskFlow, text: string): boolean =>
  values.has(exactKey(hash, text)) || values.has(looseKey(hash, text));

/** Begun where a word begins alone, so that a long text without an @ is not read again from each of its letters. */
const address = /(?:https?:\/\/|www\.)\S+|(?<![^\s@])[^\s@]+@\S+/gi;
const token = /[A-Za-z0-9_\-+/.~]{16,512}/g;
const card = /(?<![\d-])\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\d-])/g;

function keysIn(text: string): readonly string[] {
  const plain = text.replaceAll(address, ' ');
  const tokens = Array.from(plain.matchAll(token), ([found]) => found.replace(/[.=~-]+$/, '')).filter(isKey);
  return [...tokens, ...Array.from(plain.matchAll(card), ([found]) => found)];
}

const link = /(?:https?:\/\/|www\.)[^\s"'<>]{1,2048}/gi;
const mostLinks = 50;

/** A link that was read goes to where it led before, and its site is judged; into one that the agent makes it can write what it read. */
const keysInLinks = (flow: TaskFlow, text: string): readonly string[] =>
  (text.match(link) ?? [])
    .slice(0, mostLinks)
    .filter((found) => originOfValue(flow, found).origin === 'nowhere')
    .flatMap((found) => found.split(/[/?&=#:;,]/).filter(isKey));

const vendors =
  /^(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abeprs]|AKIA|ASIA|AIza|ya29|npm|pypi|hf|shpat|whsec|SG|estop)[_\-.]?[A-Za-z0-9_\-.]{14,}$/;

function isKey(word: string): boolean {
  if (/^[0-9a-f-]+$/i.test(word) || /^[\d.,:TZ/+-]+$/.test(word)) return false;
  if (/^sha(?:1|256|384|512)-/.test(word)) return false;
  if (vendors.test(word) && /\d/.test(word)) return true;
  if (word.includes('/') && word.length < 40) return false;
  return word.split(/[_\-.~]/).some(isRandom);
}

/** Small letters, capitals and figures that change places more often than those of words do. */
function isRandom(part: string): boolean {
  if (part.length < 12 || !/[a-z]/.test(part) || !/[A-Z]/.test(part) || !/\d/.test(part)) return false;
  const changes = part.match(/[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|\d(?=[A-Za-z])/g)?.length ?? 0;
  return 20 * changes >= 7 * part.length;
}
