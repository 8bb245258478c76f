/**
 * Words for looking that are as often a thing ("display_power_off", "listing_boost"), or a deed done to somebody ("provide_refund").
 * In front of a name such a word proves nothing: that the tool only looks its description must say.
 */
import { stem } from '../language/stem.ts';
import { familyOfNoun, nounsToo, readVerbs, sinkVerbs } from '../language/words.ts';
import { type Class, mayAct } from './verb-class.ts';

const stems = (words: string): ReadonlySet<string> => new Set(words.split(' ').map(stem));

export const thingsLooked = stems('display monitor estimate preview forecast measure track filter assess');
const given = stems('provide tell suggest recommend explain ping');
/** What is imposed on somebody, or made over to them. */
const imposed = stems('fee fine penalty surcharge tax refund credit discount voucher feedback edit bonus loan');
/** Short words of a shell, which others fold to: "heading", "cats". */
const bare: ReadonlySet<string> = new Set('can is has head tail cat'.split(' '));
const particles: ReadonlySet<string> = new Set('on off out up down'.split(' '));
const further = stems('release open lower raise power control reset update set save share insert edit');
const becomes = /(?:ments?|tions?)$/;
const isParticiple = (word: string): boolean => /(?:ed|s|ing|ings)$/.test(word);

/** The stem of a word of a name, unless only its stem is a word for looking. */
export const foldedLook = (word: string): string => (bare.has(stem(word)) && stem(word) !== word ? word : stem(word));

/** With somebody among its arguments what looks so is done to him. */
export const toSomebody = (verb: string): boolean => given.has(verb);

const puts = stems('display show present');
const toRead: ReadonlySet<string> = new Set(
  'text texts message messages caption headline banner announcement notification'.split(' '),
);
/** What is told what to show shows it to others. */
export const putsBefore = (verb: string, names: readonly (readonly string[])[]): boolean =>
  puts.has(verb) && names.some((argument) => toRead.has(argument.at(-1) ?? ''));

/** What a name is where the word for looking in it proves nothing; undefined: it does. */
export function lessThanLook(written: readonly string[], at: number, opening: string): Class | undefined {
  const word = stem(written[at] ?? '');
  const others = written.filter((_, other) => other !== at);
  const thing = thingsLooked.has(word);
  if (given.has(word) && others.some(isMadeOver)) return 'sink';
  if (thing && others.some((other) => imposed.has(stem(other)))) return 'sink';
  const looks = readVerbs.has(opening) && !thingsLooked.has(opening);
  if (looks) return undefined;
  if (others.length > 0 && endsInDeed(others)) return 'sink';
  const gerund = /ings?$/.test(written[at] ?? '');
  if (readVerbs.has(opening) || !(thing || gerund || word === 'can')) return undefined;
  return gerund || opening !== '' || acts(others) ? 'unknown' : undefined;
}

const isMadeOver = (word: string): boolean => {
  const folded = stem(word);
  return imposed.has(folded) || familyOfNoun.get(folded) === 'grant' || (mayAct(word) && !isParticiple(word));
};

const acts = (words: readonly string[]): boolean =>
  words.some(
    (word) => (sinkVerbs.has(stem(word)) || further.has(stem(word)) || isParticle(word)) && !isParticiple(word),
  );

/** "power_off", "cash_out". */
export const isParticle = (word: string): boolean => particles.has(word);

/** "estimate_send", "transcribe_forward". */
function endsInDeed(words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  const folded = stem(last);
  if (isParticle(last) || further.has(folded)) return true;
  return sinkVerbs.has(folded) && !nounsToo.has(folded) && !isParticiple(last) && !becomes.test(last);
}
