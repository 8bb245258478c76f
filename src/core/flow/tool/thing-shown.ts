/**
 * Tools that are called by what they show, in words that can be no deed: "Full text of a paper", "Audit log", "Free times". And those whose
 * one verb is a verb for looking of another language: "dokument_lesen". What is told to them must only say which, and whoever
 * names a tool by an unknown word besides must explain it by its description.
 */

import { languages } from '../language/foreign-words.ts';
import { familiesOfVerb } from '../language/other-languages.ts';
import { folded, littleWords } from '../language/spoken.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { deeds } from './only-thing.ts';
import { mayAct } from './verb-class.ts';

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Written, kept or known; nobody does them. */
const shown =
  set(`text texts fulltext transcript transcripts log logs lines audit report reports inbox mailbox thread threads
  people persons employees contractors customers tenants patients students pupils teachers colleagues courses criteria price prices
  times hours calendar manual guide directory catalog catalogue statistics papers articles chapters contents documents requests`);
/** In front of one. */
const attributes =
  set(`full last latest newest current recent short detailed free busy public private internal external daily weekly monthly
  yearly annual audit performance forum vendor user system server account customer sales project team spot market weather usage error
  access event activity status job build`);
const joins = set('of in by for with per about from and on to');

const isShown = (word: string): boolean => shown.has(word);
const longest = 80;

export function isThingShown(name: string, description: string): boolean {
  const text = description.trim().replace(/\.$/, '').toLowerCase();
  const words = wordsOfName(text);
  if (text.length > longest || /[.!?;:]/.test(text) || words.length === 0) return false;
  const at = words.findIndex((word) => !attributes.has(word) || isHead(words, word));
  const head = words[at] ?? '';
  if (!isShown(head) || !(at + 1 === words.length || joins.has(words[at + 1] ?? ''))) return false;
  // A word that is a deed as well ("Text a guest", "Log in") is none in front of "of", or behind another.
  if (mayAct(head) && at === 0 && words[1] !== 'of') return false;
  // Who reports a post does not look at it.
  if (at === 0 && /^reports?$/.test(head)) return false;
  if (words.some((word, other) => other > at && mayAct(word) && !isShown(word) && !/[^s]s$/.test(word))) return false;
  return isNamedSo(name, new Set(words.map(stem)));
}

const isHead = (words: readonly string[], word: string): boolean =>
  isShown(word) && !isShown(words[words.indexOf(word) + 1] ?? '');

/** By what it shows; what else its name says stands in front of a dot, or in the description. */
function isNamedSo(name: string, said: ReadonlySet<string>): boolean {
  const own = wordsOfName(name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1));
  const before = wordsOfName(name).slice(0, -own.length);
  if ([...before, ...own].some((word) => !isShown(word) && (mayAct(word) || deeds.test(word)))) return false;
  return (
    isShown(own.at(-1) ?? '') && own.every((word) => isShown(word) || attributes.has(word) || said.has(stem(word)))
  );
}

const looksLast = set(
  'lesen auflisten ansehen einsehen abfragen listar buscar lister chercher afficher elencare lezen bekijken opvragen',
);
const looksFirst = set('lies leer ver listar buscar lire voir lister chercher afficher leggere ler');
/** German for "empty": only where the description is Spanish is it to read. */
const readsInSpanish = 'leer';
/** Of what is read, and how: to open a document is to read it. */
const ofLooks = set(
  'nachricht nachrichten mensaje mensajes messaggi mensagens berichten oeffnen abrir ouvrir aprire note text post file brief',
);

/** "dokument_lesen", "leerEntrega": and no word for a deed in its name or in its description, in any of the languages. */
export function looksElsewhere(name: string, description: string): boolean {
  const words = wordsOfName(name).map(folded);
  const first = looksFirst.has(words[0] ?? '') && (words[0] !== readsInSpanish || isSpanish(description));
  const last = looksLast.has(words.at(-1) ?? '') || (words.at(-1) === 'read' && says(description));
  if (!(first || last) || words.length < 2 || description.length > longest) return false;
  const others = [...(first ? words.slice(1) : words.slice(0, -1)), ...wordsOfName(description).map(folded)];
  return !others.some((word) => !looksLast.has(word) && isDeedSomewhere(word));
}

const says = (description: string): boolean =>
  wordsOfName(description)
    .map(folded)
    .some((word) => looksLast.has(word));

const isSpanish = (text: string): boolean => wordsOfName(text).some((word) => littleWords.spanish.has(folded(word)));

const isDeedSomewhere = (word: string): boolean =>
  !ofLooks.has(word) && (mayAct(word) || languages.some((language) => familiesOfVerb(language, word).length > 0));
