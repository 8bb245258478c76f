/** One pass over free text: the words it uses and the values that stand in it, each once, up to a cap. */
import { decoded, withoutEntities } from './canonical.ts';
import { stem } from './language/stem.ts';
import { eachToken } from './tokens.ts';

export interface Scan {
  /** Folded words. */
  readonly words: ReadonlySet<string>;
  /** Tokens that can be looked up as a value: with a digit, a sign, or a capital inside. */
  readonly values: ReadonlySet<string>;
  readonly overflow: boolean;
}

export interface ScanLimits {
  readonly letters: number;
  readonly words: number;
  readonly values: number;
}

const edges = /^[.:!?#$~&\u2018-\u201f]+|[.:!?\u2018-\u201f]+$/g;
const telling = /[\d@/_:%&\\-]|\.[\p{L}\p{N}]|\p{Ll}\p{Lu}|[^\p{ASCII}]/u;
/** Whether text that holds it remembers it as a value, and not as a word alone. */
export const isValue = (word: string): boolean => telling.test(word) || isToken(word);
/** Letters alone, and more of them than a word has: a key may be spelled so. */
export const isToken = (word: string): boolean => word.length >= 20 || /^[A-Z]{12,}$/.test(word);
/** An account that is printed in groups is one value. */
export const account = /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?: [A-Z0-9]{1,4}){3,8}(?![\p{L}\p{N}])/gu;
const encodedLook = /%[0-9a-f]{2}|&#|\\u[0-9a-f]{4}/i;

/** `seen`: what earlier pieces of the same text said is not looked at again. */
export function scan(text: string, limits: ScanLimits, seen: Set<string> = new Set()): Scan {
  const words = new Set<string>();
  const values = new Set<string>();
  let overflow = text.length > limits.letters;
  const head = withoutEntities(overflow ? text.slice(0, limits.letters) : text);
  let spelled = '';
  eachToken(head, (raw) => {
    // Letters one by one, "P 0 2 5", are a value as well.
    if (raw.length === 1) {
      spelled = spelled.length < 64 ? spelled + raw : spelled;
      if (spelled.length < 3) return true;
    } else if (spelled.length >= 3) {
      values.add(spelled);
      spelled = '';
    } else spelled = '';
    if (raw.length > 2048 || seen.has(raw)) {
      overflow ||= raw.length > 2048;
      return true;
    }
    seen.add(raw);
    if (words.size >= limits.words || values.size >= limits.values) {
      overflow = true;
      return false;
    }
    take(raw.replaceAll(edges, ''), words, values);
    return true;
  });
  if (spelled.length >= 3) values.add(spelled);
  for (const [grouped] of head.matchAll(account)) {
    if (values.size >= limits.values) break;
    values.add(grouped.replaceAll(' ', ''));
  }
  return { words, values, overflow };
}

function take(word: string, words: Set<string>, values: Set<string>): void {
  if (word === '') return;
  if (isValue(word)) {
    values.add(word);
    if (mayBeEncoded(word)) for (const text of decoded(word)) takeDecoded(text, words, values);
  }
  for (const part of partsOf(word)) words.add(stem(part));
}

function takeDecoded(text: string, words: Set<string>, values: Set<string>): void {
  eachToken(text, (raw) => {
    values.add(raw.replaceAll(edges, ''));
    for (const part of partsOf(raw)) words.add(stem(part));
    return true;
  });
}

/** Not every long word is base64: it has capitals, small letters and digits. */
const mayBeEncoded = (word: string): boolean =>
  encodedLook.test(word) ||
  (word.length >= 6 && /[A-Z]/.test(word) && /[a-z]/.test(word) && /[0-9+/=]|[a-z][A-Z]/.test(word));

const separators = /[^\p{L}\p{N}]+/u;
const plainWord = /^[A-Za-z0-9]+$/;
const ascii = /^[\x20-\x7e]*$/;
/** The same of these letters alone, which are nothing but themselves in any form. */
const asciiSeparators = /[^A-Za-z0-9]+/;

export function partsOf(text: string): readonly string[] {
  if (plainWord.test(text)) return text.length <= 64 ? [text] : [];
  const parts = ascii.test(text)
    ? text.split(asciiSeparators)
    : text
        .normalize('NFKC')
        .replaceAll(/\p{Cf}/gu, '')
        .split(separators);
  return parts.filter((part) => part !== '' && part.length <= 64);
}
