/** What the description of a tool says that it does: past the words that only say that this is a tool, and anywhere behind them. */
import { stem, wordsOfName } from '../language/stem.ts';
import { localVerbs, nounsToo, readNouns, sinkVerbs } from '../language/words.ts';
import { thingsLooked } from './thing-looked-at.ts';
import { classOf } from './verb-class.ts';

const subject =
  '(?:(?:this|the) (?:tool|function|action|endpoint|operation|method|command|call|api)|this|it|tool|function|(?:a|an) (?:tool|function|utility|helper))';
const purpose =
  '(?:(?:can |may |will |should )?(?:be |is )?(?:used |useful |meant |designed )?(?:to|for|that|which)|(?:that |which )?(?:allows?|lets?|enables?|helps?) (?:you|users?|agents?|callers?|one|the (?:user|agent|caller|model))(?: to)?|(?:will|can|should))';
const aboutItself = new RegExp(
  `^\\s*(?:${subject} (?:${purpose} )?|(?:use|call) (?:this|it)(?: tool| function)? (?:to|for|when you (?:want|need) to) |(?:used|useful|helps?|allows? (?:you|the (?:user|agent))|lets you)(?: you)?(?: to| for)? )`,
  'i',
);

/** "This tool can be used to list the files" begins with "list the files". */
/** "🎯 Purpose: 1. Retrieves", "Description: Gets". */
const headed = /^[^\p{L}]*(?:(?:purpose|description|summary|overview|what it does|function)\s*[:\n-][^\p{L}]*)?/iu;

export const openingOf = (description: string): string =>
  description.slice(0, 300).replace(headed, '').replace(aboutItself, '');

/** The deed that a description begins with; empty where it begins with a thing. */
export function firstVerb(description: string): string {
  const opening = openingOf(description);
  const several = /^(\p{L}+(?:, \p{L}+)+),? (?:and|or|&) (\p{L}+)/u.exec(opening);
  if (several !== null && classOf(stem(several[1]?.split(',', 1)[0] ?? '')) !== 'unknown') {
    const acting = `${several[1]}, ${several[2]}`
      .split(', ')
      .map(stem)
      .find((word) => sinkVerbs.has(word) || localVerbs.has(word));
    if (acting !== undefined) return acting;
  }
  const written = wordsOfName(opening.slice(0, 160)).slice(0, 6);
  const words = written.map(stem);
  const first = words[0] ?? '';
  if (isThing(written, words)) return '';
  // "Performs a full search", "Perform click on page": what is performed says it.
  if (performs.has(first)) return words.slice(1).find((word) => classOf(word) !== 'unknown') ?? first;
  return classOf(first) === 'unknown' && first.endsWith('ly') ? (words[1] ?? '') : first;
}

const performs = new Set(['perform', 'conduct', 'carry'].map(stem));

/** "Order status" is a thing, "Update status" and "Transfer balance" are deeds. */
const plainThings = new Set(['order', 'comment', 'account', 'contact', 'access', 'total', 'message'].map(stem));
const dealt = new Set(['charge', 'transfer', 'review', 'trade', 'book', 'fund', 'mail', 'email', 'post'].map(stem));
const goneBy = new Set(['history', 'detail', 'statistics', 'metadata', 'overview'].map(stem));

/** "Messages of a channel", "Order details", "Saved cards": a thing, not a deed. */
function isThing(written: readonly string[], words: readonly string[]): boolean {
  const [first = '', next = ''] = words;
  if ((written[0] ?? '').endsWith('ed') && classOf(first) !== 'unknown') return true;
  const of = /^(?:of|that|which|whose)$/.test(written[1] ?? '');
  if (of && (thingsLooked.has(first) || /ings?$/.test(written[0] ?? ''))) return true;
  return (
    nounsToo.has(first) &&
    (of || (plainThings.has(first) && readNouns.has(next)) || (goneBy.has(next) && dealt.has(first)))
  );
}

const acts =
  'sends?|notif(?:y|ies)|publishes|deletes?|removes?|erases?|overwrites?|pays?|grants?|revokes?|executes?|buys?|cancels?|submits?|modif(?:y|ies)|updates?|replaces?|kills?|terminates?';
/** "by name, email or number" sends nothing: what may be a thing as well acts on something, or is said of what the tool will do. */
const thingsToo = 'emails?|mails?|forwards?|posts?|transfers?|charges?|shares?|runs?|purchases?|uploads?|invites?';
const article =
  '(?: to)? (?:it|them|an?|the|this|that|these|those|its|their|your|all|any|each|every|him|her|everybody|everyone|someone|somebody)\\b';
const thirdPerson = 'emails|mails|forwards|posts|transfers|charges|shares|uploads|invites';
/** "Check the balance and transfer money": without an article, what it is done to says that it is one. */
const actedOn =
  '(?:money|funds|payments?|cards?|customers?|users?|members?|people|files|documents|goods|items|jobs?|commands?|code|scripts?)\\b';
const joins = '(?:it |this |also |will |automatically |and |then |which |that |, )+';
const effects = new RegExp(
  [
    `\\b${joins}(?:${acts})\\b(?! of\\b)`,
    `\\b${joins}(?:${thingsToo})(?=${article})`,
    `\\b(?:and|then) (?:${thingsToo}) ${actedOn}`,
    `\\b(?:will|also|then|automatically) (?:${thingsToo})\\b(?! of\\b)`,
    `\\b(?:it|this|and|then|which|that) (?:${thirdPerson})\\b(?! (?:of|and|or|in|from|by|with)\\b|[,.)]|$)`,
  ].join('|'),
  'i',
);

/** "It will also send an email": a second thing that a tool does, said anywhere in its description. */
export function sideEffect(description: string): string | undefined {
  return effects.exec(description)?.[0].trim();
}
