/**
 * What a call is told to do ("operation: restart"), beside what its tool is called by. Where the tool's own name says nothing, that must
 * have been asked for, all of it, and nothing else may be told with it; where the name says something, nothing graver may be chosen.
 */
import type { FlowCall } from '../call.ts';
import { isOtherKind } from '../deleted-kind.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { type Family, familyOfNoun, familyWords, guardedFamilies, nounsToo, programWords } from '../language/words.ts';
import { programIn } from '../program/program-in.ts';
import type { TaskFlow } from '../task-flow.ts';
import { familiesOf, familiesOfWords, isRelevant } from './family.ts';
import { classOf, mayAct } from './verb-class.ts';

type Asked = readonly Family[];

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const stems = (words: string): ReadonlySet<string> => new Set(words.split(' ').map(stem));

/** The argument that says which deed it is. */
const choosing = set('operation op action method verb subcommand');
export const isChoosing = (name: string): boolean => choosing.has(name.toLowerCase().replaceAll(/[^a-z]/g, ''));
export const chosenIn = (args: FlowCall['args']): readonly unknown[] =>
  Object.entries(args).flatMap(([name, value]) => (isChoosing(name) ? [value] : []));

const chooses = stems([...choosing, 'ops'].join(' '));
/** Further names under which a deed may stand, and other things as well. */
const mayChoose = stems(
  'mode type kind task function func fn step event intent procedure routine job hook command cmd then next after afterwards finally do',
);
/** Written for somebody to read, or to be looked for. */
const prose = stems(
  'body content contents text message comment description note notes title subject summary reason label caption headline heading topic',
);
const looksFor = stems('query search term keyword filter pattern');
const named: ReadonlySet<string | undefined> = new Set(['ref', 'path', 'party', 'url', 'secret']);

const aName = /^[a-z][a-z0-9 _.-]{0,60}$/i;
const isParticiple = (word: string): boolean => /(?:ed|s|ing|ings)$/.test(word);
const openWords = new Set(
  Object.entries(familyWords).flatMap(([family, words]) => (guardedFamilies.has(family as Family) ? [] : [...words])), // its keys are the families
);
/** Things that one does not touch by the way: money, what lets in, who may do what. */
const graveThings: ReadonlyMap<string, Family> = new Map(
  (['pay', 'password', 'grant'] as const).flatMap((family) =>
    [...familyWords[family]].filter((word) => !openWords.has(word)).map((word) => [word, family] as const),
  ),
);
const money: ReadonlyMap<string, Family> = new Map(
  ['bank', 'iban', 'payout', 'payee', 'beneficiary', 'salary', 'payroll'].map((word) => [stem(word), 'pay'] as const),
);
const graveThing = (word: string): Family | undefined => {
  const family = familyOfNoun.get(word);
  return family !== undefined && guardedFamilies.has(family) ? family : (money.get(word) ?? graveThings.get(word));
};

const gives = stems('send give move make transfer');
const amounts = /^(?:amount|sum|money|cents|value|quantity)(?:$|_)/i;

/** Of a tool whose own name says nothing: what is chosen is what was asked for or, where nothing can be, its verb. */
export function isAskedByVerb(flow: TaskFlow, call: FlowCall): boolean {
  const chosen = chosenIn(call.args);
  if (chosen.length === 0) return flow.verbs.has(flow.hash(`v:${call.profile.verb}`));
  const words = chosen.flatMap((value) => (typeof value === 'string' ? wordsOfName(value) : []));
  if (!chosenAsAsked(call, [...flow.families])) return false;
  // "send" with an amount is no message.
  const pays = words.some((word) => gives.has(stem(word))) && Object.keys(call.args).some((name) => amounts.test(name));
  if (pays && !flow.families.has('pay')) return false;
  const deletes = words.some((word) => familiesOfWords([stem(word)]).includes('delete'));
  return !(deletes && isOtherKind(flow, [...wordsOfName(call.profile.name), ...words]));
}

function chosenAsAsked({ profile, args }: FlowCall, asked: Asked): boolean {
  const chosen = chosenIn(args);
  if (chosen.length === 0 || !chosen.every((value) => typeof value === 'string' && isAsked(value, asked))) return false;
  const roles = new Map(profile.arguments.map(({ name, role }) => [name, role]));
  return Object.entries(args).every(
    ([name, value]) => isChoosing(name) || saysNoMore(name, value, asked, named.has(roles.get(name)), 0),
  );
}

/** Deletes, pays, runs, lets in: of a tool that is not called by that, and in a task that did not ask for it. */
export function choosesGraver({ profile, args }: FlowCall, asked: Asked): boolean {
  return gravest(args, 0).some((family) => !asked.includes(family) && !profile.families.includes(family));
}

function gravest(held: unknown, depth: number): readonly Family[] {
  if (typeof held !== 'object' || held === null || depth > deepest) return [];
  return Object.entries(held).flatMap(([name, value]) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    const own = wordsOfName(name)
      .map(stem)
      .some((word) => chooses.has(word));
    const said = own ? values.filter((one) => typeof one === 'string').flatMap(graveDeeds) : [];
    return [...said, ...values.flatMap((one) => gravest(one, depth + 1))];
  });
}

function graveDeeds(value: string): readonly Family[] {
  if (value.length > longestDeed) return [];
  return wordsOfName(value.normalize('NFKC')).flatMap((word, at) =>
    isDeed(word, at === 0) ? familiesOfWords([stem(word)]).filter((family) => guardedFamilies.has(family)) : [],
  );
}

const longestDeed = 200;
const deepest = 12;

const isAsked = (value: string, asked: Asked): boolean =>
  aName.test(value) &&
  isRelevant(familiesOf({ name: value }), asked, []) &&
  !saysOther(wordsOfName(value), asked, true);

/** In front of others a word that may be a thing is a deed. */
const isDeed = (word: string, first: boolean): boolean =>
  classOf(stem(word)) === 'sink' && (first || !nounsToo.has(stem(word))) && (first || !isParticiple(word));

/** A deed that was not asked for, or a grave thing that nobody spoke of. */
function saysOther(words: readonly string[], asked: Asked, chosen: boolean): boolean {
  return words.some((word, at) => {
    const thing = graveThing(stem(word));
    if (thing !== undefined && !asked.includes(thing)) return true;
    const families = familiesOfWords([stem(word)]);
    if (isDeed(word, false) || (at === 0 && chosen && mayAct(word))) return !isRelevant(families, asked, []);
    return chosen && mayAct(word) && families.some((family) => guardedFamilies.has(family) && !asked.includes(family));
  });
}

/** Beside what was chosen: no other deed, by name, by switch or by value, and no program. */
function saysNoMore(name: string, value: unknown, asked: Asked, isNamed: boolean, depth: number): boolean {
  if (isOff(value) || /^dry_?run$/i.test(name)) return true;
  const words = wordsOfName(name);
  if (depth > deepest || !/^[\x20-\x7e]*$/.test(name) || isOtherDeed(words, value, asked)) return false;
  if (Array.isArray(value)) return value.every((item) => saysNoMore(name, item, asked, isNamed, depth + 1));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).every(([key, item]) => saysNoMore(key, item, asked, false, depth + 1));
  return typeof value !== 'string' || textSaysNoMore(words.map(stem), value, asked, isNamed, depth);
}

function textSaysNoMore(
  name: readonly string[],
  value: string,
  asked: Asked,
  isNamed: boolean,
  depth: number,
): boolean {
  const packed = /^\s*[[{]/.test(value) ? unpacked(value) : undefined;
  if (packed !== undefined) return saysNoMore('', packed, asked, false, depth + 1);
  const has = (some: ReadonlySet<string>): boolean => name.some((word) => some.has(word));
  if (has(programWords) && !/^[\w-]{1,40}$/.test(value)) return false;
  const words = wordsOfName(value.slice(0, longestDeed).normalize('NFKC'));
  if (has(chooses) || has(mayChoose) || has(programWords))
    return /^[\x20-\x7e]*$/.test(value) && !programIn(value) && !saysOther(words, asked, true);
  if (isNamed || has(prose)) return true;
  if (programIn(value)) return false;
  return has(looksFor) || words.length > 3 || !saysOther(words, asked, false);
}

const isOff = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  value === 0 ||
  (typeof value === 'string' && /^(?:|false|no|0|off|none|never)$/i.test(value.trim()));
const isOn = (value: unknown): boolean =>
  value === true ||
  (typeof value === 'object' && value !== null) ||
  (typeof value === 'string' && /^(?:true|yes|on)$/i.test(value.trim()));

/** "purge: true", "delete: [..]": what an argument is called by. */
const isOtherDeed = (words: readonly string[], value: unknown, asked: Asked): boolean =>
  words.some(
    (word) =>
      (isDeed(word, false) ||
        (isOn(value) &&
          (value === true || typeof value === 'string' || words.length === 1) &&
          mayAct(word) &&
          !isParticiple(word))) &&
      !isRelevant(familiesOfWords([stem(word)]), asked, []),
  );

const mostPacked = 200_000;

function unpacked(value: string): unknown {
  try {
    return value.length > mostPacked ? undefined : (JSON.parse(value) as unknown);
  } catch {
    return undefined;
  }
}
