/** The request, taken apart once: whom it names, which hosts, paths and values stand in it, what it asks for. */
import { askedItself } from './asked-itself.ts';
import { plain } from './canonical.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { forbiddenKey, onlyForbidden, withoutForbidden } from './language/forbidden.ts';
import { namedIn } from './language/foreign-names.ts';
import type { Language } from './language/foreign-words.ts';
import { delegatedKey, isDelegating } from './language/hands-over.ts';
import { spokenFamilies } from './language/other-languages.ts';
import { stem } from './language/stem.ts';
import { emptyWords, familyWords, readVerbs, sinkVerbs } from './language/words.ts';
import { fileKey } from './named-kind.ts';
import { titleKey, titlesIn } from './named-record.ts';
import { isFileName, isPathLike, pathForm } from './path-form.ts';
import { account, partsOf } from './scan.ts';
import { addressOf, isEmail, isHost, placeOf, siteOf } from './site.ts';
import {
  anywhereKey,
  applyDelta,
  emptyFlow,
  exactKey,
  type FlowDelta,
  type Mark,
  nameKey,
  pathKey,
  siteKey,
  type TaskFlow,
} from './task-flow.ts';
import { familiesAsked } from './tool/family.ts';

export interface Contact {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface TaskOpening {
  readonly request: string;
  /** Addresses, accounts and names of the user. */
  readonly ownIdentities: readonly string[];
  readonly contacts: readonly Contact[];
  readonly hash: KeyedHash;
}

const longestRequest = 65_536;
const mostTokens = 3000;
const longestPhrase = 4;
const phraseTokens = 400;
const mostGiven = 32;
/** Through such addresses many write. */
const manyWrite =
  /^(?:no-?reply|do-?not-?reply|notifications?|alerts?|mailer|updates?|news(?:letter)?|info|support|billing|team)\b/i;

export function openTaskFlow(opening: TaskOpening): { readonly flow: TaskFlow; readonly delta: FlowDelta } {
  const { hash } = opening;
  const flow = emptyFlow(hash);
  const said = opening.request.slice(0, longestRequest);
  const request = withoutForbidden(said);
  const written = writtenIn(request);
  const tokens = tokensOf(written);
  const stems = stemsOf(tokens);
  const not = onlyForbidden(said, request);
  // A handle is written without accents.
  const named = namesIn(request, spokenFamilies(request).languages).flatMap((name) =>
    [name, name.map(plain)].map((words) => words.map((word) => nameKey(hash, word))),
  );
  // Who is named by an address bears it alone.
  const given = [...new Set(tokens.map(addressOf).filter((one) => isEmail(one) && !manyWrite.test(one)))].slice(
    0,
    mostGiven,
  );
  const delta: FlowDelta = {
    calls: 0,
    values: [
      ...opening.ownIdentities.map((own): Mark => [exactKey(hash, addressOf(own)), 'own', 0]),
      ...tokens.flatMap((token) => marksOf(hash, token)),
      // "the password is so!": whether the last sign belongs to it only they know.
      ...written.map((token): Mark => [exactKey(hash, token), 'request', 0]),
      ...phrases(hash, request, tokens),
      ...titlesIn(request, tokens).map((title): Mark => [titleKey(hash, title), 'request', 0]),
      ...Array.from(request.slice(0, 20_000).matchAll(account), ([text]): Mark => [exactKey(hash, text), 'request', 0]),
    ],
    // Words that the user wrote, forbidden or not, are the user's.
    words: { request: stemsOf(tokensOf(writtenIn(said))).map(flow.word), known: [], prose: [] },
    named: [...given.map((address) => [nameKey(hash, address)]), ...named],
    addresses: [
      ...given.map((address) => [exactKey(hash, address), [nameKey(hash, address)], true] as const),
      ...opening.contacts.flatMap(({ name, addresses }) =>
        addresses.map((address) => bearerOf(hash, addressOf(address), name, true)),
      ),
    ],
    families: familiesAsked(request, stems),
    widened: [],
    verbs: [
      ...stems.filter((word) => word.length <= 32).map((word) => hash(`v:${word}`)),
      ...(isDelegating(request) ? [delegatedKey(hash)] : []),
      ...askedItself(hash, request),
      ...(tokens.some(isFile) ? [fileKey(hash)] : []),
      ...familiesAsked(not, stemsOf(tokensOf(writtenIn(not)))).map((family) => forbiddenKey(hash, family)),
    ],
    labels: [],
    overflow: false,
    crowded: false,
  };
  applyDelta(flow, delta);
  return { flow, delta };
}

const writtenIn = (text: string): readonly string[] =>
  [...text.matchAll(/[^\s"'`<>,;()[\]{}|“”‘’]+/gu)].slice(0, mostTokens).map(([token]) => token);
const tokensOf = (written: readonly string[]): readonly string[] =>
  written.map((token) => token.replaceAll(/^[.:!?#$]+|[.:!?]+$/g, '')).filter((token) => token !== '');
const stemsOf = (tokens: readonly string[]): readonly string[] => [...new Set(tokens.flatMap(partsOf).map(stem))];

/** "Remove deploy.sh" speaks of a file, though a site may end so as well. */
const isFile = (token: string): boolean =>
  isFileName(token) && (!isHost(token) || /^[^.]+\.(?:sh|md|py|rs|pl|ps|cc|zip|mov)$/i.test(token));

const longestHost = 253;
const hostIn = (token: string): string => token.split(/[/?#:]/, 1)[0] ?? '';

function marksOf(hash: KeyedHash, token: string): readonly Mark[] {
  const marks: Mark[] = [[exactKey(hash, token), 'request', 0]];
  // "@mara" is whom the user calls mara.
  const handle = /^@([\p{L}\p{N}_][\p{L}\p{N}_.-]{0,63})$/u.exec(token)?.[1];
  if (handle !== undefined) marks.push([exactKey(hash, handle), 'request', 0]);
  // "our site www.a.com.They wrote": a sentence ends in the middle of what stands together.
  const glued = /^(.*[\p{Ll}\p{N}])\.\p{Lu}\p{Ll}*$/u.exec(token)?.[1];
  if (glued !== undefined && token.length <= longestHost && !isHost(hostIn(token)) && isHost(hostIn(glued)))
    marks.push(...marksOf(hash, glued));
  // "owner/name" names both.
  if (/^[\w.-]+\/[\w.-]+$/.test(token))
    for (const part of token.split('/')) marks.push([exactKey(hash, part), 'request', 0]);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(token) || (isHost(hostIn(token)) && !isEmail(token))) {
    const site = siteOf(token);
    if (site !== undefined) marks.push([siteKey(hash, site), 'request', 0]);
    const place = placeOf(token);
    if (place !== undefined) marks.push([exactKey(hash, place), 'request', 0]);
  }
  if (isPathLike(token) || /^[\w.~-]+(?:\/[\w.-]+)+\/?$/.test(token)) {
    const path = pathForm(token);
    if (path !== undefined && path !== '/') marks.push([pathKey(hash, path), 'request', 0]);
    if (path !== undefined && !/^[/~\\]|^file:/i.test(token)) marks.push([anywhereKey(hash, path), 'request', 0]);
  }
  return marks;
}

/** The second leaves out what joins letters, so that "it's" neither opens nor ends a quotation. */
const quotes = [
  /["'“‘`](?<text>[^"'“”‘’`\n]{1,200})["'”’`]/gu,
  /(?<![\p{L}\p{N}])(?<quote>["'`])(?<text>(?:(?!\k<quote>)[^\n]|(?<=\p{L})'(?=\p{L})){1,200})\k<quote>(?![\p{L}\p{N}])/gu,
] as const;

/** What stands between quotes, and every row of up to four words: a name, a title, an account printed in groups. */
function phrases(hash: KeyedHash, request: string, tokens: readonly string[]): readonly Mark[] {
  const found = new Set<string>();
  for (const pattern of quotes)
    for (const { groups } of request.matchAll(pattern)) found.add((groups?.['text'] ?? '').trim());
  const head = tokens.slice(0, phraseTokens);
  for (let at = 0; at < head.length; at += 1) {
    for (let size = 2; size <= longestPhrase && at + size <= head.length; size += 1) {
      found.add(head.slice(at, at + size).join(' '));
    }
  }
  return [...found].map((text): Mark => [exactKey(hash, text), 'request', 0]);
}

/** In front of a word that begins a sentence, a row of a list, or what stands between quotes. */
const opening = /(?:^|[.!?:;\n(]|(?:^|\n)\s*[-*•>]|\d[.)]|["“‘*([])\s*$/;
const article = /\b(?:the|an?|this|that|my|our|your|each|every|any|no)\s$/i;

/** Capitalised words, one after the other; a verb that begins a sentence is none. `spoken`: in which languages, if it is not English. */
export function namesIn(request: string, spoken: readonly Language[] = []): readonly (readonly string[])[] {
  const names: (readonly string[])[] = [];
  for (const match of request.matchAll(
    /(?<![\p{L}\p{N}./@_-])\p{Lu}\p{Ll}+(?: \p{Lu}\p{Ll}+){0,2}(?![\p{L}\p{N}@_]|\.\p{L})/gu,
  )) {
    const words = match[0].split(' ');
    const before = request.slice(Math.max(0, match.index - 8), match.index);
    const opens = opening.test(before);
    const isThing = article.test(before);
    // "Email Bob" names Bob; "Mark Smith" in mid-sentence is a whole name, and so is one word that is no other word.
    const kept =
      opens || words.length === 1
        ? words.filter((word) => !isOrdinary(word) || (!opens && !isThing && givenNames.has(word)))
        : words;
    const end = match.index + match[0].length;
    const row = {
      words: kept,
      before: request.slice(Math.max(0, match.index - 60), match.index),
      after: request.slice(end, end + 8),
    };
    const named = spoken.length > 0 ? namedIn(spoken, row) : kept;
    if (named.length > 0) names.push(named);
    if (names.length >= 64) break;
  }
  return names;
}

/** Verbs and nouns that people are called by. At the beginning of a sentence they are none. */
const givenNames: ReadonlySet<string> = new Set(
  'Mark Bill Rob Will Grant Chase Drew Pat Sue Jack Art Frank Carol Joy Grace Hope Faith Dawn Rose May Max Ray Wade Skip Miles'.split(
    ' ',
  ),
);

/** In front of a name, and nobody's: "mr@" is not Mr. Tanner. */
const titles: ReadonlySet<string> = new Set('Mr Mrs Ms Miss Mx Dr Prof Sir Madam Messrs Mme Herr Frau'.split(' '));

const common = new Set(Object.values(familyWords).flatMap((words) => [...words]));

function isOrdinary(word: string): boolean {
  const folded = stem(word);
  if (emptyWords.has(word.toLowerCase()) || titles.has(word) || common.has(folded)) return true;
  return readVerbs.has(folded) || sinkVerbs.has(folded) || word.length < 2;
}

/** The address with the words of the name it bears. */
export function bearerOf(
  hash: KeyedHash,
  address: string,
  name: string,
  vouched: boolean,
): FlowDelta['addresses'][number] {
  const words = new Set(partsOf(name.replaceAll(/\d+/g, ' ')).map((word) => nameKey(hash, word)));
  return [exactKey(hash, address), [...words].slice(0, 8), vouched];
}
