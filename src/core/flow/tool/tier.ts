/** The tier of a tool never seen. The one expensive mistake is a sink taken for a read, so every doubt goes up. */

import type { Tier } from '../facts.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import {
  fetchVerbs,
  localNouns,
  localVerbs,
  looksPlainly,
  nounsToo,
  programWords,
  readNouns,
  readVerbs,
  sinkVerbs,
} from '../language/words.ts';
import { firstVerb, sideEffect } from './description.ts';
import { finds, goesOn, isLookAt } from './look-at.ts';
import { isOnlyThing, opensWithThings } from './only-thing.ts';
import { foldedLook, lessThanLook, putsBefore, toSomebody } from './thing-looked-at.ts';
import { isThingShown, looksElsewhere } from './thing-shown.ts';
import { argumentsOf } from './tool-argument.ts';
import type { ToolDefinition } from './tool-definition.ts';
import { type Class, classOf } from './verb-class.ts';

interface Proposal {
  readonly tier: Tier;
  readonly because: string;
  readonly verb: string;
}

export function proposeTier(tool: ToolDefinition): Proposal {
  const name = wordsOfName(tool.name);
  const description = (tool.description ?? '').slice(0, 2000);
  const opening = firstVerb(description);
  const [byName, verb] = endsInLook(tool.name) ?? classOfName(name, opening, description.trim() !== '');
  const byText = passes.has(opening) && !/[,;]|\b(?:and|then)\b/i.test(description) ? 'read' : classOf(opening);
  const names = argumentNames(tool.inputSchema);
  const raised = raisedBy(tool.annotations);
  const say = (tier: Tier, because: string): Proposal => ({ ...higher(tier, because, raised), verb });
  const saidByName = `its name says: ${name.find((word) => stem(word) === verb) ?? verb}`;

  if (isCode(names, tool)) return say('code', 'takes nothing but a one-time code');
  if (
    names.some(
      (argument) =>
        programWords.has(stem(argument.at(-1) ?? '')) &&
        !/\bcode\b/.test(argument.slice(0, -1).join(' ')) &&
        !isOtherCode(argument) &&
        !isChoice(tool.inputSchema, argument),
    )
  ) {
    return say('destructive', 'takes a program or a command');
  }
  const takesUrl = argumentsOf(tool, 'read').some(
    ({ name: argument, role }) => role === 'url' && !namesOnly.test(argument),
  );
  const sendsAlong = names.some((argument) =>
    /^(?:body|payload|data|values|fields|headers|form|content|method|webhook)$/.test(argument.at(-1) ?? ''),
  );
  if (takesUrl && sendsAlong) return say('destructive', 'takes an address and what to send there');
  const effect = sideEffect(description);
  if (effect !== undefined) return say('destructive', `its description says: ${effect}`);
  // What only shows something needs none of it told.
  const isTold = names.some((argument) => argument.some((word) => tellsIt.has(word)));
  if (!isTold && !takesUrl && raised === 'read' && isOnlyTold(tool) && showsThing(tool.name, description))
    return say('read', 'its name and description speak of what it shows');
  if (byName === 'sink' && (!isTold || finds.has(opening)) && isLookAt(name, opening) && !goesOn(description))
    return say(takesUrl ? 'fetch' : 'read', `its name and description say: ${opening}`);
  if (byName === 'sink' && !isTold && endsAsSaid(name, opening) && !goesOn(description) && !offers.test(description))
    return say(takesUrl ? 'fetch' : 'read', `its name and description say: ${opening}`);
  if (byName === 'read' && toSomebody(verb) && argumentsOf(tool, 'destructive').some(({ role }) => role === 'party'))
    return say('destructive', saidByName);
  if (byName === 'read' && putsBefore(verb, names)) return say('destructive', saidByName);
  if (takesUrl && onlyBrings(name, verb)) return say('fetch', 'takes an address');
  if (byName === 'sink') return say('destructive', saidByName);
  if (takesUrl && (fetchVerbs.has(verb) || byName === 'read' || byName === 'local'))
    return say('fetch', 'takes an address');
  if (byName === 'read' && (byText === 'read' || byText === 'unknown' || opensWithThings(description)))
    return say('read', saidByName);
  if (byName === 'unknown' && !isTold && readNouns.has(stem(name.at(-1) ?? '')) && namesThing(description, opening))
    return say(takesUrl ? 'fetch' : 'read', `its name says: ${name.at(-1) ?? ''}`);
  if (byName === 'unknown' && !takesUrl && raised === 'read' && !isTold && isOnlyThing(name, description))
    return say('read', 'its name and description speak of a thing and of no deed');
  if (byName === 'unknown' && byText === 'read')
    return say(takesUrl ? 'fetch' : 'read', `its description says: ${opening}`);
  if (byName === 'local' && byText !== 'sink') return say('write', saidByName);
  if (byName === 'read' && byText === 'local') return say('write', `its description says: ${opening}`);
  return say(
    'destructive',
    byName === 'unknown' ? 'nothing says that it only looks' : `its description says: ${opening}`,
  );
}

/** Does nothing but to let time go by. */
const passes = new Set(['wait'].map(stem));

const showsThing = (name: string, description: string): boolean =>
  isThingShown(name, description) || looksElsewhere(name, description);

/** Which, and no more: nobody is reached, and nothing that lets in is given away. */
const isOnlyTold = (tool: ToolDefinition): boolean =>
  argumentsOf(tool, 'destructive').every(({ role }) => role === undefined || role === 'ref' || role === 'text');

/** What something is to say, to be, or to cost: "Contents of a fax" with a text sends it, "Current setpoint" with degrees sets it. */
const tellsIt: ReadonlySet<string> = new Set(
  `body content contents text message messages caption subject title note comment greeting value values data payload attachment attachments
  amount price total cost sum fee money quantity payee iban recipient recipients beneficiary passengers guests
  on off enable enabled disable disabled power brightness dim color colour temperature degrees setpoint volume speed level intensity mode
  new action operation command op deed verb password secret reason force confirm confirmed`.split(/\s+/),
);

/** A host that is asked about is not one that is contacted. */
const namesOnly = /(?:site|domain|host|hostname|origin)$/i;

const order: readonly Tier[] = ['read', 'fetch', 'write', 'destructive'];

/** Annotations raise a tier, never lower it. A one-time code completes a call that was judged already. */
function higher(tier: Tier, because: string, raised: Tier): { readonly tier: Tier; readonly because: string } {
  const floor = order.indexOf(raised);
  const from = tier === 'code' ? 0 : order.indexOf(tier);
  if (floor <= from) return { tier, because };
  return { tier: raised, because: 'its annotations say so' };
}

function raisedBy(annotations: unknown): Tier {
  if (typeof annotations !== 'object' || annotations === null) return 'read';
  const hints = annotations as { readonly destructiveHint?: unknown; readonly readOnlyHint?: unknown }; // compared with booleans below
  if (hints.destructiveHint === true) return 'destructive';
  return hints.readOnlyHint === false ? 'write' : 'read';
}

/** The first word of a name that is a verb decides; a noun as often as a verb decides only in front of others. */
function classOfName(written: readonly string[], opening: string, described: boolean): readonly [Class, string] {
  const name = written.map(foldedLook);
  const last = name.at(-1) ?? '';
  // "access_grant", "report_send": a word that may be a noun in front of one that is nothing but a deed.
  const first = name.find((word) => classOf(word) !== 'unknown') ?? '';
  const deed = written.slice(1).find(actsPlainly);
  // "query_registration": what a deed has become is looked at, where the description says so too.
  const lookedAt = nominal.test(deed ?? '') && classOf(opening) === 'read';
  if (deed !== undefined && !lookedAt && nounsToo.has(first) && readVerbs.has(first) && !readNouns.has(last))
    return ['sink', stem(deed)];
  const at = name.findIndex((word) => classOf(word) !== 'unknown');
  const word = name[at];
  // Goods are returned, and answers too: of a name that says so nothing good is concluded.
  if (word === givesBack) return ['sink', word];
  if (word === undefined) return ['unknown', opening];
  const besides = readVerbs.has(word) ? lessThanLook(written, at, opening) : undefined;
  if (besides !== undefined) return [besides, besides === 'sink' ? word : opening];
  const isOther = (_: string, other: number): boolean => other !== at;
  const rest = name.filter(isOther);
  // "manage_display": what somebody is in charge of is not only looked at.
  if (readVerbs.has(word) && written.slice(0, at).some((one) => inCharge.test(one))) return ['unknown', opening];
  const thing = nominal.test(written[at] ?? '') || endsInSearch(written, last, opening);
  if ((thing || nounsToo.has(word)) && (thing || at > 0 || readNouns.has(last)) && rest.length > 0) {
    // "SearchTweets" behind the name of a service: several of a thing are no deed.
    const deeds = written.filter((one, other) => isOther(one, other) && !/[^s]s$/.test(one)).map(stem);
    const verb = deeds.find((other) => !nounsToo.has(other) && classOf(other) !== 'unknown');
    if (verb !== undefined) return [withObject(verb, rest), verb];
    // "account_balance", "order_history": what the description opens with says what it does.
    if (readNouns.has(last) && classOf(opening) === 'read') return ['read', opening];
    if (classOf(opening) === 'local' && word === last && sinkVerbs.has(word)) return ['sink', word];
    if (classOf(opening) !== 'unknown') return [withObject(opening, name), opening];
    if (described && opening === '' && (((thing || at > 0) && readNouns.has(last)) || isPlural(written, at)))
      return ['read', last];
    // "web search": looking is what it names, and nothing says that it does more.
    return [readVerbs.has(word) && word === last ? 'read' : 'sink', word];
  }
  if (readVerbs.has(word) && actsToo(name.slice(at + 1))) return ['sink', word];
  // "create_or_update": it changes what is there as well.
  if (localVerbs.has(word) && joinsWith(name.slice(at + 1), 'sink')) return ['sink', word];
  if (shellWords.has(word) && !rest.every((other) => localNouns.has(other) || other === 'fs' || other === 'log'))
    return ['sink', word];
  // "screenshot_share": what is made by looking at a page may go on to others.
  if (sights.has(word) && rest.some((other) => sinkVerbs.has(other) || localVerbs.has(other))) return ['sink', word];
  return [withObject(word, rest), word];
}

const inCharge = /^(?:manage|control|operate|configure|handle|steer)$/;

/** "cat file" prints a file, "cat feeder" is for a cat. */
const shellWords = new Set('ls pwd wc du df cat glob head tail'.split(' '));
const sights = new Set(['hover', 'scroll', 'screenshot', 'snapshot'].map(stem));

/** "attachment_get_data", "deployments": a deed that has become a thing. */
const nominal = /(?:ments?|tions?)$/;

/** "order_lookup"; "order_search" only where its description opens with searching, because a search may as well be saved or reset. */
const endsInSearch = (written: readonly string[], last: string, opening: string): boolean =>
  written.length > 1 &&
  looksPlainly.has(written.at(-1) ?? '') &&
  (!nounsToo.has(last) || opening === last) &&
  !written.slice(0, -1).some(actsPlainly);

/** "productReviews": several of a thing. */
const isPlural = (written: readonly string[], at: number): boolean =>
  at > 0 && at === written.length - 1 && (written[at] ?? '').endsWith('s');

/**
 * "orders.get", "pages/list": behind a dot, a stroke or two underscores the verb stands by itself. Behind a single underscore it may be
 * the object of another ("update_list", "mark_as_read"), and there nothing is concluded from it.
 */
function endsInLook(toolName: string): readonly [Class, string] | undefined {
  const parts = toolName.split(/[./]|__/);
  const verb = parts.at(-1)?.toLowerCase() ?? '';
  if (parts.length < 2 || !looksPlainly.has(verb)) return undefined;
  return wordsOfName(parts.slice(0, -1).join('.')).some(actsPlainly) ? undefined : ['read', verb];
}

/** "PurchaseOrder_List", described as "Lists ..": what a name ends in, and its description begins with. */
const endsAsSaid = (name: readonly string[], opening: string): boolean =>
  name.length > 1 && looksLast.has(name.at(-1) ?? '') && stem(name.at(-1) ?? '') === opening;
/** Never "query": whoever runs one runs what it says. */
const looksLast: ReadonlySet<string> = new Set(['list', 'search', 'lookup', 'find']);
/** "List an item for sale". */
const offers = /\bfor (?:sale|rent|lease|hire|auction|adoption)\b/i;

/** "Messages of a channel", "Details of a hotel". A description in another language, or none, says nothing. */
const namesThing = (description: string, opening: string): boolean =>
  description.trim() !== '' &&
  (opening === '' || (readNouns.has(opening) && (readVerbs.has(opening) || !doneToOne.test(description))));
/** "Report a post", "Price the goods". */
const doneToOne = /^\W*\p{L}+ (?:an?|the|this|that|someone|somebody|him|her|them|it|your|my|all|every|each)\b/iu;

const givesBack = stem('return');

/** In a form that commands: "deleted", "sent" and "invites" say what something is. */
const actsPlainly = (word: string): boolean => {
  const folded = stem(word);
  return sinkVerbs.has(folded) && !nounsToo.has(folded) && !/(?:ed|s|ing|ings)$/.test(word);
};

/** "read and delete", "check in": what comes after the verb makes it another. */
function actsToo(after: readonly string[]): boolean {
  if (after[0] === 'in' || after[0] === 'out') return true;
  return joinsWith(after, 'sink') || joinsWith(after, 'local');
}

const joinsWith = (after: readonly string[], other: Class): boolean =>
  after.some((word, at) => /^(?:and|or|then)$/.test(word) && classOf(after[at + 1] ?? '') === other);

/** From an address to here, and nothing more. */
const brings = new Set(['download', 'clone'].map(stem));
const ofSource = new Set(['git', 'repo', 'repository'].map(stem));
const branch = stem('branch');
const onlyBrings = (name: readonly string[], verb: string): boolean =>
  brings.has(verb) && name.map(stem).every((word) => word === verb || classOf(word) === 'unknown');
const session = new Set(['login', 'logout', 'signin', 'authenticate'].map(stem));

/** A file made here harms nobody; an event, a user, a key, a comment reaches others. */
function withObject(verb: string, rest: readonly string[]): Class {
  const found = classOf(verb);
  if (found !== 'local') return found;
  if (session.has(verb)) return 'local';
  if (rest.some((word) => sinkVerbs.has(word) && !nounsToo.has(word))) return 'sink';
  if (rest.at(-1) === branch || (rest.some((word) => ofSource.has(word)) && onlyBrings(rest, verb))) return 'local';
  return rest.some((word) => localNouns.has(word)) || rest.length === 0 ? 'local' : 'sink';
}

function argumentNames(schema: unknown): readonly (readonly string[])[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties } = schema as { readonly properties?: unknown }; // checked next
  return typeof properties === 'object' && properties !== null ? Object.keys(properties).map(wordsOfName) : [];
}

/** What can only be one of a few words is no program. */
function isChoice(schema: unknown, argument: readonly string[]): boolean {
  const { properties } = schema as { readonly properties: object }; // there is one: the argument is named by it
  return Object.entries(properties).some(
    ([name, held]) =>
      wordsOfName(name).join(' ') === argument.join(' ') && typeof held === 'object' && held !== null && 'enum' in held,
  );
}

const oneTime =
  /\b(?:otp|one[- ]time|2fa|two[- ]factor|mfa|verification code|verify code|sms code|(?:e-?mail|phone)(?: address| number)? (?:with|by) (?:the|a) code)\b/i;

function isCode(names: readonly (readonly string[])[], tool: ToolDefinition): boolean {
  const only = names[0]?.join(' ') ?? '';
  if (names.length !== 1 || !/\b(?:otp|code|pin|totp)\b/.test(only)) return false;
  const text = `${only} ${tool.name.replaceAll('_', ' ')} ${tool.description ?? ''}`;
  return oneTime.test(text) && /\b(?:verif|confirm|validat|authenticat|complet)/i.test(text);
}

/** A code that names something: a country, a discount, a currency. */
const isOtherCode = (argument: readonly string[]): boolean =>
  argument.length > 1 && argument.at(-1) === 'code' && argument[0] !== 'source' && argument[0] !== 'python';
