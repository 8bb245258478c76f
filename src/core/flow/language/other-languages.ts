/** The families of action that a request in another language than English asks for. Of the request alone: tools speak English. */
import { foreignWords, type Language, languages } from './foreign-words.ts';
import { falseFriends, folded, type Known, spokenIn } from './spoken.ts';
import { type Family, guardedFamilies } from './words.ts';

const longestRequest = 65_536;
const mostWords = 3000;
/** Between a verb and what was parted from it. */
const reach = 20;
const shortest = 4;
const longest = 14;

interface Word {
  readonly text: string;
  /** In the middle of a sentence a German verb has no capital. */
  readonly isNoun: boolean;
  /** What follows belongs to another clause. */
  readonly ends: boolean;
}

type Forms = ReadonlyMap<string, readonly Family[]>;
interface Pair {
  readonly family: Family;
  readonly others: ReadonlySet<string>;
  readonly parted: boolean;
}
interface Table {
  readonly whole: Forms;
  readonly nouns: Forms;
  readonly beginnings: Forms;
  readonly nounBeginnings: Forms;
  readonly pairs: ReadonlyMap<string, readonly Pair[]>;
  readonly endings: RegExp | undefined;
}

/** What a verb ends in besides its form in the table, or what hangs on to it. */
const endings: Readonly<Record<Language, RegExp | undefined>> = {
  german: /(?:e|en)$/,
  dutch: /en$/,
  spanish: /(?:(?:me|se|nos)(?:l[oa]s?)|me|les?|l[oa]s?|nos)$/,
  italian: /(?:glie(?:l[oaie]|ne)|(?:me|ce)(?:l[oaie]|ne)|mi|ci|l[oaie]|gli|ne)$/,
  portuguese: undefined,
  french: undefined,
};

const conjunctions: ReadonlySet<string> = new Set(
  'und oder dann aber sowie damit dass wenn falls sobald bevor bitte en of maar zodat als voordat graag alsjeblieft aan naar'.split(
    ' ',
  ),
);

function put<Value>(map: Map<string, readonly Value[]>, key: string, value: Value): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function tableOf(language: Language): Table {
  const whole = new Map<string, readonly Family[]>();
  const nouns = new Map<string, readonly Family[]>();
  const beginnings = new Map<string, readonly Family[]>();
  const nounBeginnings = new Map<string, readonly Family[]>();
  const pairs = new Map<string, readonly Pair[]>();
  for (const [family, words] of Object.entries(foreignWords) as [Family, Record<Language, string>][]) // its keys are the families
    for (const entry of words[language].trim().split(/\s+/)) {
      const [verb = '', sign, others = ''] = entry.split(/([>+])/);
      const isNoun = /^\p{Lu}/u.test(verb);
      const key = verb.toLowerCase();
      if (sign !== undefined) put(pairs, key, { family, others: new Set(others.split('|')), parted: sign === '>' });
      else if (key.endsWith('*')) put(isNoun ? nounBeginnings : beginnings, key.slice(0, -1), family);
      else put(isNoun ? nouns : whole, key, family);
    }
  return { whole, nouns, beginnings, nounBeginnings, pairs, endings: endings[language] };
}

const tables: ReadonlyMap<Language, Table> = new Map(languages.map((language) => [language, tableOf(language)]));

/** As it stands, without an ending, and (Italian) with the vowel that fell before what hangs on to it. */
function formsOf(word: string, ending: RegExp | undefined): readonly string[] {
  if (ending === undefined || word.length < shortest) return [word];
  const root = word.replace(ending, '');
  return root === word || root.length < 3 ? [word] : [word, root, `${root}e`];
}

function* beginningsOf(word: string): Generator<string> {
  for (let size = shortest; size <= longest && size <= word.length; size += 1) yield word.slice(0, size);
}

function familiesOfWord(table: Table, { text, isNoun }: Word): readonly Family[] {
  const found: Family[] = [...(table.nouns.get(text) ?? [])];
  for (const beginning of beginningsOf(text)) found.push(...(table.nounBeginnings.get(beginning) ?? []));
  if (isNoun) return found;
  for (const form of formsOf(text, table.endings)) found.push(...(table.whole.get(form) ?? []));
  for (const beginning of beginningsOf(text)) found.push(...(table.beginnings.get(beginning) ?? []));
  return found;
}

function pairsOfWord(table: Table, { text, isNoun }: Word): readonly Pair[] {
  if (isNoun) return [];
  const found = formsOf(text, table.endings).flatMap((form) => table.pairs.get(form) ?? []);
  for (const beginning of beginningsOf(text)) found.push(...(table.pairs.get(`${beginning}*`) ?? []));
  return found;
}

/** What was parted stands behind its verb, where the clause ends; what belongs together may stand anywhere near. */
function isComplete({ others, parted }: Pair, words: readonly Word[], at: number): boolean {
  const near = words.slice(parted ? at + 1 : Math.max(0, at - reach), at + reach);
  return near.some(({ text, isNoun, ends }) => others.has(text) && (!parted || (ends && !isNoun)));
}

/** What is quoted is spoken of and not asked for. */
const quoted =
  /"[^"\n]{1,200}"|„[^„“”"\n]{1,200}[“”"]|“[^“”\n]{1,200}”|«[^«»\n]{1,200}»|`[^`\n]{1,200}`|(?<![\p{L}\p{N}])'[^'\n]{1,200}'(?![\p{L}\p{N}])/gu;

function sentencesOf(request: string): readonly (readonly Word[])[] {
  const plain = request
    .slice(0, longestRequest)
    .replaceAll(quoted, ' ')
    .replaceAll('€', ' euro ')
    .replaceAll('$', ' dollar ');
  let left = mostWords;
  return plain.split(/[.!?](?=\s|$)|[:;\n(¿¡•]/).map((sentence) => {
    const found = [...sentence.matchAll(/\p{L}[\p{L}\p{M}]*/gu)].slice(0, left);
    left -= found.length;
    return found.map(({ 0: written, index }, at): Word => {
      const after = sentence.slice(index + written.length, found[at + 1]?.index ?? sentence.length);
      const next = found[at + 1]?.[0].toLowerCase() ?? '';
      return {
        text: folded(written),
        isNoun: at > 0 && /^\p{Lu}\p{M}*\p{Ll}/u.test(written),
        ends: next === '' || /[,)–—]/.test(after) || conjunctions.has(next),
      };
    });
  });
}

export interface Spoken {
  readonly languages: readonly Language[];
  readonly families: readonly Family[];
  /** Words of the request that English would misread. */
  readonly misread: readonly string[];
}

/** What is never widened counts only where every language that this may be means it. */
export function spokenFamilies(request: string): Spoken {
  const sentences = sentencesOf(request);
  const words = new Set(sentences.flatMap((sentence) => sentence.map(({ text }) => text)));
  const heard = new Map(languages.map((language) => [language, hear(language, sentences)]));
  const spoken = spokenIn(words, (language) => heard.get(language) ?? nothing);
  const all = spoken.map((language) => heard.get(language)?.families ?? new Set<Family>());
  const any = new Set(all.flatMap((found) => [...found]));
  return {
    languages: spoken,
    families: [...any].filter((family) => !guardedFamilies.has(family) || all.every((found) => found.has(family))),
    misread: spoken.flatMap((language) => falseFriends[language].filter((word) => words.has(word))),
  };
}

interface Heard extends Known {
  readonly families: ReadonlySet<Family>;
}
const nothing: Heard = { verbs: 0, sure: false, families: new Set() };

/** How many words of it this language knows, and what they ask for. */
function hear(language: Language, sentences: readonly (readonly Word[])[]): Heard {
  const table = tables.get(language);
  if (table === undefined) return nothing;
  let verbs = 0;
  let sure = false;
  const families = new Set<Family>();
  for (const sentence of sentences)
    for (const [at, word] of sentence.entries()) {
      const alone = familiesOfWord(table, word);
      const together = pairsOfWord(table, word).filter((pair) => isComplete(pair, sentence, at));
      verbs += together.length + alone.length > 0 ? 1 : 0;
      sure ||= together.length > 0;
      for (const family of alone) families.add(family);
      for (const { family } of together) families.add(family);
    }
  return { verbs, sure: sure || verbs > 1, families };
}

/** What this word asks for, alone or with another one. */
export function familiesOfVerb(language: Language, word: string): readonly Family[] {
  const table = tables.get(language);
  if (table === undefined) return [];
  const said = { text: folded(word), isNoun: false, ends: true };
  return [...familiesOfWord(table, said), ...pairsOfWord(table, said).map(({ family }) => family)];
}

/** Of one word in this language: what its table makes of it alone. */
export const familiesOfForeignWord = (language: Language, word: string): readonly Family[] => [
  ...hear(language, [[{ text: folded(word), isNoun: false, ends: true }]]).families,
];
