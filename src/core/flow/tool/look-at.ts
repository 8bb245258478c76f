/** Tools whose name begins with what may be a deed and ends in looking. */
import { stem, wordsOfName } from '../language/stem.ts';
import { looksPlainly, nounsToo } from '../language/words.ts';
import { mayAct } from './verb-class.ts';

/** "mail_query", "share_cat": a thing in front, a look behind it, and a description that begins with looking. */
export const isLookAt = (name: readonly string[], opening: string): boolean =>
  name.length === 2 &&
  nounsToo.has(stem(name[0] ?? '')) &&
  (looksPlainly.has(name[1] ?? '') || name[1] === 'cat' || name[1] === 'read' || name[1] === 'show') &&
  looks.has(opening);
/** What a search is told it only looks for. */
export const finds = new Set(['search', 'find', 'list'].map(stem));
/** "Read a mail and forward it", "Show a message to all users". */
export const goesOn = (description: string): boolean =>
  shownToOthers.test(description) ||
  wordsOfName(description).some((word, at, words) => {
    const before = words[at - 1] ?? '';
    return (before === 'and' || before === 'then' || before === 'or') && mayAct(word) && !/(?:ed|s|ing)$/.test(word);
  });
const shownToOthers =
  /\bto (?:all|every\p{L}*|the \p{L}+s|users?|customers?|guests?|visitors?)\b|\b(?:on|over) (?:a |an |all |every |the |its )?(?:[\p{L}]+ )?(?:screens?|displays?|loudspeakers?|speakers?|signs?|tvs?|monitors?|paper)\b|\bout loud\b|\baloud\b/iu;
const looks = new Set(['search', 'find', 'read', 'list', 'get', 'show', 'fetch', 'display', 'retrieve'].map(stem));
