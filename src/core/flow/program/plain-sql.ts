/**
 * One SQL statement that can only read, in PostgreSQL, MySQL and SQLite alike. What is not understood is none.
 *
 * Not protected: what the database itself does when it is looked at. A view, a foreign or virtual table, a policy of rows, an
 * operator, a cast, or a function that somebody gave the name of one of ours (or that is written like a column, `t.f`) runs what its
 * owner wrote into it, and may write, or reach another host; who could put it there needed no look to do harm. Nor protected: time.
 * A join of everything with everything takes as long as the database lets it. And a whole row (`select * from users`) may hold a
 * secret that no word of the statement speaks of: what is read is read, and where it goes from there is for the other rules.
 */
import { holdsSecretWord } from './secret-place.ts';
import { type SqlToken, sqlTokens } from './sql-tokens.ts';
import { actingWords, beforeBracket, onlyBehind, pureFunctions } from './sql-words.ts';

/** The strings and numbers in it, and its names: what somebody may have wanted to be looked for. */
export interface PlainSql {
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

const readsRows = new Set(['select', 'with', 'explain']);
const readsCatalogue = new Set(['show', 'describe', 'desc']);

export function plainSql(sql: string): PlainSql | undefined {
  const all = sqlTokens(sql);
  if (all === undefined) return undefined;
  const tokens = isSign(all.at(-1), ';') ? all.slice(0, -1) : all;
  const first = tokens[0];
  if (first?.kind !== 'word') return undefined;
  if (readsCatalogue.has(first.text)) {
    if (tokens.length > 12 || tokens.some((token) => token.kind === 'sign' && !/^[.=%]$/.test(token.text)))
      return undefined;
  } else if (!readsRows.has(first.text) || !tokens.some((token) => isWord(token, 'select'))) return undefined;
  if (!tokens.every((token, at) => isHarmless(token, tokens[at - 1], tokens[at + 1]))) return undefined;
  if (!hasOnlyTables(tokens)) return undefined;
  return {
    literals: tokens.flatMap((token, at) => (isLiteral(token) && !isCap(tokens[at - 1]) ? [token.text] : [])),
    names: tokens.flatMap(({ kind, text }) =>
      kind === 'name' || (kind === 'word' && !beforeBracket.has(text) && !pureFunctions.has(text)) ? [text] : [],
    ),
  };
}

const isSign = (token: SqlToken | undefined, text: string): boolean => token?.kind === 'sign' && token.text === text;
const isWord = (token: SqlToken | undefined, text: string): boolean => token?.kind === 'word' && token.text === text;
const isLiteral = ({ kind }: SqlToken): boolean => kind === 'string' || kind === 'number';
/** "limit 20": how much is shown says nothing about what is looked for. */
const isCap = (token: SqlToken | undefined): boolean => isWord(token, 'limit') || isWord(token, 'offset');

/** Hashes of passwords, and where other systems' keys are kept. */
const ofKeys =
  /^(?:pg_(?:authid|shadow|user_mappings?|subscription|hba_file_rules|largeobject\w*)|auth|vault|mysql|shadow)$/;
/** Tables of some engines that ask another host. */
const ofNetworks = /(?:^|_)(?:https?|curl|dns|dblink)(?:_|$)/;

function isHarmless(token: SqlToken, before: SqlToken | undefined, next: SqlToken | undefined): boolean {
  const opens = isSign(next, '(');
  switch (token.kind) {
    case 'sign':
      return token.text !== ';' && !(token.text === ')' && opens);
    case 'number':
      return !opens;
    case 'string':
      return !opens && (/\s/.test(token.text) || !holdsSecretWord(token.text));
    case 'name':
      return !opens && isOpen(token.text);
    case 'word':
      return !actingWords.has(token.text) && isOpen(token.text) && (!opens || mayOpen(token.text, before));
  }
}

const isOpen = (name: string): boolean => !holdsSecretWord(name) && !ofKeys.test(name) && !ofNetworks.test(name);

function mayOpen(word: string, before: SqlToken | undefined): boolean {
  if (word === 'explain') return before === undefined;
  // "public.count(1)" is whatever the schema calls so.
  if (isSign(before, '.')) return false;
  const behind = onlyBehind[word];
  if (behind !== undefined) return before !== undefined && before.kind !== 'string' && behind.has(before.text);
  return beforeBracket.has(word) || pureFunctions.has(word);
}

const endsTables = new Set(
  'where on using group order having limit offset union except intersect select window qualify like'.split(' '),
);

/** A string that stands for a table is a file, or an address, to some engines. Brackets are balanced. */
function hasOnlyTables(tokens: readonly SqlToken[]): boolean {
  const among = [false];
  for (const [at, token] of tokens.entries()) {
    const level = among.length - 1;
    const before = tokens[at - 1];
    if (token.kind === 'word') {
      if (token.text === 'from' || token.text === 'join') among[level] = true;
      else if (endsTables.has(token.text)) among[level] = false;
    } else if (isSign(token, '(')) {
      const isTable = isWord(before, 'from') || isWord(before, 'join') || isSign(before, ',') || isSign(before, '(');
      among.push(among[level] === true && isTable);
    } else if (isSign(token, ')')) {
      among.pop();
      if (among.length === 0) return false;
    } else if (token.kind === 'string' && among[level] === true) return false;
  }
  return among.length === 1;
}
