/**
 * The records that the user spoke of: an event by its title, a file by its name, an order by its number. What stands in a short
 * field of one is taken like a labelled line of a file that the user named. Never by a person's name beside an address, because
 * a display name is whatever its sender likes, and never by a row of everyday words, because those can be guessed.
 */

import type { FlowCall } from './call.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { stem } from './language/stem.ts';
import { emptyWords, readVerbs, sinkVerbs } from './language/words.ts';
import { isFileName } from './path-form.ts';
import type { Field, Rec } from './shape/fields.ts';
import { isEmail, isHost } from './site.ts';
import { exactKey, type TaskFlow } from './task-flow.ts';

/** The key under which a thing is called by its title or its number, however its words are joined. */
export const titleKey = (hash: KeyedHash, title: string): string => hash(`t:${titleForm(title)}`);

/** A file by its whole name, or by what it is called without its ending; one word alone is no title. */
function keysOf(hash: KeyedHash, title: string): readonly string[] {
  const name = title.replace(/^(.+[\s_\-\d].*)\.[a-z][a-z0-9]{0,4}$/i, '$1');
  return name === title ? [titleKey(hash, title)] : [titleKey(hash, title), titleKey(hash, name)];
}

const titleForm = (title: string): string =>
  title
    .normalize('NFC')
    .trim()
    .replaceAll(/[\s_-]+/g, ' ')
    .toLowerCase();

const kinds: ReadonlySet<string> = new Set(
  'file document doc spreadsheet sheet presentation folder page event meeting project ticket issue deal order invoice case report list board campaign contract proposal'.split(
    ' ',
  ),
);
const longestTitle = 4;
const mostTitles = 200;
const mostReferences = 16;

/** What a request calls things: between quotes, a file name, a number of letters and figures, "the team meeting minutes file". */
export function titlesIn(request: string, tokens: readonly string[]): readonly string[] {
  const titles = new Set<string>();
  for (const [, text = ''] of request.matchAll(/["'“‘`]([^"'“”‘’`\n]{1,120})["'”’`]/gu))
    if (isTelling(text.trim())) titles.add(text.trim());
  for (const token of tokens) if (isFileName(token) ? !isHost(token) : isNumber(token)) titles.add(token);
  for (const [at, token] of tokens.entries()) {
    if (!kinds.has(token.toLowerCase())) continue;
    for (let size = 2; size <= longestTitle && size <= at; size += 1)
      if (tokens.slice(at - size, at).every((word) => !isEveryday(word)))
        titles.add(tokens.slice(at - size, at).join(' '));
  }
  return [...titles].slice(0, mostTitles);
}

const isEveryday = (word: string): boolean =>
  emptyWords.has(word.toLowerCase()) || readVerbs.has(stem(word)) || sinkVerbs.has(stem(word));

const isTelling = (text: string): boolean =>
  !isEmail(text) && (isNumber(text) || isFileName(text) || text.split(/[\s_-]+/).length >= 2);

/** Letters with figures, or a long row of figures: no year, no day, no hour, no amount. */
const isNumber = (text: string): boolean =>
  text.length >= 4 &&
  /\d/.test(text) &&
  /^[\p{L}\p{N}#_/-]+$/u.test(text) &&
  (/\p{L}/u.test(text) ? !/^\d+(?:st|nd|rd|th|am|pm|[hkms]|min|usd|eur)$/i.test(text) : /^\d{5,}$/.test(text));

const callsIt = /^(?:title|subject|summary|name|file ?_?name)$/i;
const numbersIt = /^(?:id_?|number|key|slug|ref|reference|code)$/i;
const mayNumberIt = /[_ .-](?:id|number|key|ref|code)_?$|[a-z](?:Id|Number|Key|Ref|Code)$/;
const numbersLetter = /^(?:id_?|number|key)$/i;
const writers = /^(?:sender|from|author|by|user|from_?address|sender_?email|author_?email|organi[sz]er|created_?by)$/i;
const reaching = /^(?:handle|user_?(?:name|id)?|login|wallet|account|phone|iban)$/i;
const mostNames = 4;

const isAddress = ({ key, value }: Field): boolean =>
  reaching.test(key) ||
  value.includes('@') ||
  /^\+?[\d ()-]{7,20}$/.test(value) ||
  /^[A-Z]{2}\d{2}[A-Z0-9 ]{11,40}$/.test(value);
export const isWritten = ({ fields }: Rec): boolean => fields.some(({ key }) => writers.test(key));

/**
 * By what it is called itself, each; a record that holds an address is not called by a name, none by the number of another thing,
 * and what somebody wrote by nothing that he may choose.
 */
function titlesOf(record: Rec): readonly string[] {
  const fields = record.fields.filter(({ value }) => value.length <= 200);
  if (isWritten(record)) return valuesOf(fields.filter(({ key }) => numbersLetter.test(key)));
  const reached = record.fields.some(isAddress);
  const called = fields.filter(
    ({ key, value }) => callsIt.test(key) && !(reached && /^name$/i.test(key) && !isFileName(value)),
  );
  const numbered = fields.filter(({ key }) => numbersIt.test(key));
  const others = fields.filter(({ key }) => mayNumberIt.test(key));
  return [...valuesOf(called), ...valuesOf(numbered.length > 0 || others.length > 1 ? numbered : others)];
}

const plainKey = (key: string): string => key.toLowerCase().replaceAll(/[^a-z]/g, '');

/** The numbers that the call was told, by the names of their arguments, and that the user gave in the request. */
const numbersGiven = (flow: TaskFlow, { args }: FlowCall): readonly Field[] =>
  Object.entries(args).flatMap(([key, value]) =>
    typeof value === 'string' &&
    isNumber(value) &&
    /\d/.test(value) &&
    flow.values.get(exactKey(flow.hash, value))?.origin === 'request'
      ? [{ key: plainKey(key), value }]
      : [],
  );

/** "claimNo" under just the name under which the call gave it: however a number is called there. */
const isAskedFor = (record: Rec, given: readonly Field[]): boolean =>
  record.within === undefined &&
  !isWritten(record) &&
  given.some((one) => record.fields.some(({ key, value }) => value === one.value && plainKey(key) === one.key));

const valuesOf = (fields: readonly Field[]): readonly string[] => fields.slice(0, mostNames).map(({ value }) => value);

/** The same title on two records of one output is nobody's. */
export function namedRecords(
  flow: TaskFlow,
  records: readonly Rec[],
  call: FlowCall,
  output: string,
): ReadonlySet<Rec> {
  const byTitle = new Map<string, Rec | undefined>();
  for (const record of records)
    for (const title of new Set(titlesOf(record).flatMap((text) => keysOf(flow.hash, text))))
      if (flow.values.has(title)) byTitle.set(title, byTitle.has(title) ? undefined : record);
  const named = new Set<Rec>();
  for (const record of byTitle.values()) if (record !== undefined) named.add(record);
  // Lines of a text are whoever's who wrote it. Not seen is one whose whole answer somebody wrote as an object.
  const given = /^\s*[[{]/.test(output) ? numbersGiven(flow, call) : [];
  const [asked, ...others] = given.length === 0 ? [] : records.filter((record) => isAskedFor(record, given));
  if (asked !== undefined && others.length === 0) named.add(asked);
  for (const record of records)
    if (record.within !== undefined && named.has(record.within) && !isWritten(record)) named.add(record);
  return named;
}

/** What a record that the user named refers to is named with it. */
export const referencesOf = (record: Rec): readonly string[] =>
  record.fields
    .filter(
      ({ key, value }) =>
        /(?:^|[_ -])(?:id|number|ref|key)_?$|(?:Id|Number|Ref)$/.test(key) && value.length <= 80 && isNumber(value),
    )
    .slice(0, mostReferences)
    .map(({ value }) => value);
