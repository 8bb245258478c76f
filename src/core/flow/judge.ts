/** The facts and findings of one call. Pure, and cheap: a handful of look-ups for each argument. */

import { approvedAt, wasRefused } from './answer.ts';
import { isAskedItself } from './asked-itself.ts';
import { type FlowCall, isHandle, isNobody, isShort, mayBeElsewhere, type Value, valuesOf } from './call.ts';
import { namedFile } from './delegated.ts';
import { isOtherKind, onlyReturns } from './deleted-kind.ts';
import { judgedPath, originOfPlaceOfWork } from './edited-path.ts';
import {
  applies,
  type FlowFacts,
  heldAlone,
  originsOf,
  type Role,
  type Rule,
  ruleOf,
  type Tier,
  textStandsAlone,
} from './facts.ts';
import type { Finding } from './finding.ts';
import { leadsIn, longestText, originOfWords, partsOfTexts } from './free-text.ts';
import { keysTold } from './keys-told.ts';
import { forbiddenKey } from './language/forbidden.ts';
import type { Family } from './language/words.ts';
import { isOfAnswers } from './not-a-tool.ts';
import {
  type Found,
  originOfOwner,
  originOfParty,
  originOfRoom,
  originOfSite,
  originOfText,
  originOfValue,
} from './origin.ts';
import { addressParts } from './path-form.ts';
import { plainLook } from './program/plain-look.ts';
import { raisesRights } from './raises-rights.ts';
import { isEveryday, reuseOf, usesForms } from './reuse.ts';
import { isValue } from './scan.ts';
import { sentenceOf } from './sentence.ts';
import { addressOf, isPlaceholder } from './site.ts';
import { isOfSources, originOfPlace } from './source-address.ts';
import { selfKey, type TaskFlow, uniqueAddress } from './task-flow.ts';
import { choosesGraver, isAskedByVerb } from './tool/chosen-deed.ts';
import { chosenLook } from './tool/chosen-look.ts';
import { isRelevant } from './tool/family.ts';
import { isPlaceName } from './tool/tool-argument.ts';
import type { ToolProfile } from './tool/tool-profile.ts';
import { wordsOfTool } from './tool/words-of-tool.ts';

export interface Judgement {
  readonly tier: Tier;
  readonly facts: FlowFacts;
  /** One for each value that a rule holds; their rules are exactly `violations(facts, tier)`. */
  readonly findings: readonly Finding[];
}

interface Checked extends Value {
  readonly role: Role;
  readonly found: Found;
}

export function judge(flow: TaskFlow, call: FlowCall): Judgement {
  const { tier, name } = call.profile;
  const { values, overflow } = valuesOf(call);
  const checked = [...checkedValues(flow, call, values), ...(overflow ? [beyond(flow, call)] : [])];
  // What holds more than is looked at is held for that; nothing else goes through all of it.
  const relevant =
    isWanted(flow, call, checked, overflow) ||
    isFormOfAllowedSite(call.profile, checked) ||
    (!overflow && (plainLook(call) !== undefined || chosenLook(call)));
  const origin = originsOf(checked);
  const facts: FlowFacts = { origin, relevant, reads: readsOf(flow) };
  const findings: Finding[] = [];
  const alone = textStandsAlone(origin);
  for (const { argument, text, role, found } of checked) {
    const rule = ruleOf[role];
    if (!applies(rule, tier)) continue;
    const invented = role === 'text' && found.origin === 'nowhere' && alone;
    if (!invented && !heldAlone(role, found.origin)) continue;
    findings.push({
      rule,
      role,
      argument,
      value: text,
      origin: found.origin,
      sentence: sentenceOf(rule, { tool: name, value: text, origin: found.origin, call: found.call }),
      reuse: reuseOf(rule, call),
      refused: wasRefused(flow, rule, text),
    });
  }
  if (!relevant && applies('R6', tier)) {
    findings.push({
      rule: 'R6',
      role: 'family',
      argument: '',
      value: name,
      origin: 'nowhere',
      sentence: sentenceOf('R6', { tool: name, value: name, origin: 'nowhere', call: 0 }),
      reuse: reuseOf('R6', call),
      refused: wasRefused(flow, 'R6', name),
    });
  }
  return { tier, facts, findings };
}

/** Named by all that it holds, so that a no to one such call is none to the next; a yes is never one to another. */
const beyond = (flow: TaskFlow, { args, profile }: FlowCall): Checked => ({
  ...part(`more values than can be shown (${flow.hash(JSON.stringify(args))})`, { origin: 'prose', call: 0 }),
  role: profile.tier === 'fetch' ? 'url' : 'ref',
});

function checkedValues(flow: TaskFlow, call: FlowCall, values: readonly Value[]): readonly Checked[] {
  const seen = values.flatMap((value): Checked[] => {
    const { role } = value;
    if ((role === 'party' || role === 'text') && isNobody(value.text)) return [];
    if (role === undefined || (role === 'ref' && isHandle(value))) return [];
    if (role === 'text' && call.addresses === undefined && !(value.required && isShort(value.text))) return [];
    if (role === 'path') {
      const judged = judgedPath(flow, call, value.text);
      const found = approvedOr(flow, call, ruleOf[judged.role], value.text, judged.found);
      return [{ ...value, role: judged.role, found }];
    }
    const found = isSelf(flow, value)
      ? ({ origin: 'own', call: 0 } as const)
      : isRoom(value)
        ? originOfRoom(flow, value.text)
        : role === 'ref' && isPlaceName(value.argument)
          ? originOfPlaceOfWork(flow, value.text)
          : role === 'ref' && (value.argument === 'owner' || mayBeElsewhere.test(value.argument))
            ? originOfOwner(flow, value.text)
            : role === 'url' && isOfSources(call.profile, value.argument)
              ? originOfPlace(flow, value.text, originOf(flow, role, value.text))
              : originOf(flow, role, value.text);
    // One that was read somewhere is whoever wrote it there hoped to reach.
    if (role === 'party' && isPlaceholder(value.text) && found.origin === 'nowhere') return [];
    return [{ ...value, role, found: approvedOr(flow, call, ruleOf[role], value.text, found) }];
  });
  // What is typed into a form of an allowed site goes where the user wanted to go; what a server is told goes to that server.
  const urls = seen.filter(({ role, argument }) => role === 'url' && isDeclared(call, argument, 'url'));
  const form =
    call.addresses === undefined && urls.length > 0 && urls.every(({ found }) => !heldAlone('url', found.origin));
  const put =
    call.addresses === undefined
      ? []
      : [...partsOfAddresses(flow, call, call.addresses), ...partsOfTold(flow, call, values)];
  return [
    ...seen.filter(
      ({ role, argument }) =>
        !(form && (role === 'ref' || role === 'text' || (role === 'party' && !isDeclared(call, argument, 'party')))),
    ),
    ...put,
    ...partsOfFreeText(flow, call, values),
    ...partsOfBodies(flow, call, values),
  ];
}

const isSelf = (flow: TaskFlow, { role, argument, text }: Value): boolean =>
  role === 'party' && flow.values.has(selfKey(flow.hash, argument, text));

const isRoom = ({ role, argument }: Value): boolean =>
  role === 'party' && /(?:^|[._-])(?:channel|room)(?:_?(?:name|id))?s?$|Channel$/i.test(argument);

const mostAddresses = 100;
const mostParts = 200;
const part = (text: string, found: Found): Checked => ({ argument: '', text, role: 'ref', required: true, found });

/** More than are looked at are held together. */
function partsOfAddresses(flow: TaskFlow, call: FlowCall, addresses: readonly string[]): readonly Checked[] {
  if (addresses.length > mostAddresses)
    return [part('more addresses than are looked at', { origin: 'prose', call: 0 })];
  return addresses.flatMap((address) => partsOfAddress(flow, call, address));
}

const mostTold = 32_000;

/** What stands beside, or in, the part of a value by which it counts: the site of an address, the address of a person, the whole of an id. */
function partsOfTold(flow: TaskFlow, call: FlowCall, values: readonly Value[]): readonly Checked[] {
  const told = values.flatMap(({ role, text }) => {
    if (role === 'url' || role === 'ref') return [text];
    if (role !== 'party') return [];
    return [originOfParty(flow, text).origin === 'nowhere' ? text : text.replace(addressOf(text), '')];
  });
  if (told.reduce((sum, { length }) => sum + length, 0) > mostTold)
    return [part('more than is looked at', { origin: 'prose', call: 0 })];
  return told.flatMap((text) => (text === '' ? [] : partsOfAddress(flow, call, text)));
}

/** One that is a whole field, or stands in the request, is as it was given; of another each part may be something that was read. */
function partsOfAddress(flow: TaskFlow, call: FlowCall, address: string): readonly Checked[] {
  const whole = originOfValue(flow, address);
  if (whole.origin !== 'nowhere' && !heldAlone('ref', whole.origin)) return [];
  const parts = address.length > longestText ? [] : addressParts(address);
  if (parts.length > mostParts || address.length > longestText) return [part(address, { origin: 'prose', call: 0 })];
  return [address, ...parts].flatMap((text) => {
    const found = originOfValue(flow, text);
    // Of what nobody looked at: no plain word would have been remembered of it either, and the whole is in its parts.
    if (found.origin === 'prose' && found.call === 0 && (text === address || !isValue(text))) return [];
    return [part(text, approvedOr(flow, call, 'R5', text, found))];
  });
}

/** Of what is told beside the arguments of a tool. Only what is held: an answer must not make the rest of a call look any better. */
function partsOfFreeText(flow: TaskFlow, call: FlowCall, values: readonly Value[]): readonly Checked[] {
  const answers = values.filter((value) => value.role === undefined && isOfAnswers(value)).map(({ text }) => text);
  const others = call.addresses === undefined ? [] : values.filter(({ role }) => role === 'text');
  const parts = partsOfTexts(flow, [...answers, ...others.map(({ text }) => text)]);
  const held = parts.flatMap(({ role, text, found }): readonly Checked[] =>
    // To which site a tool goes its own arguments say.
    role === 'url' && call.addresses === undefined
      ? []
      : [{ ...part(text, approvedOr(flow, call, ruleOf[role], text, found)), role }],
  );
  const copied = answers.flatMap((text): readonly Checked[] => {
    const found = originOfWords(flow, text);
    return found === undefined ? [] : [{ ...part(text, approvedOr(flow, call, 'R7', text, found)), role: 'text' }];
  });
  return [...held, ...copied];
}

/** A link, an address or an account inside a message leads whoever reads it there: one that prose alone gave is as if sent to it. */
function partsOfBodies(flow: TaskFlow, call: FlowCall, values: readonly Value[]): readonly Checked[] {
  if (call.addresses !== undefined) return [];
  const texts = values.filter((value) => value.role === undefined && !isOfAnswers(value)).map(({ text }) => text);
  const keys = call.profile.tier === 'destructive' ? keysTold(flow, texts) : [];
  return [...leadsIn(flow, texts), ...keys].map(({ role, text, found }) => ({
    ...part(text, approvedOr(flow, call, ruleOf[role], text, found)),
    role,
  }));
}

const isDeclared = (call: FlowCall, argument: string, role: Role): boolean =>
  call.profile.arguments.some((one) => one.name === argument && one.role === role);

function originOf(flow: TaskFlow, role: Exclude<Role, 'path'>, text: string): Found {
  switch (role) {
    case 'party':
      return originOfParty(flow, text);
    case 'url':
      return originOfSite(flow, text);
    case 'text':
      if (text.length > longestText)
        return { origin: flow.words.prose.size > 0 || flow.overflow ? 'prose' : 'nowhere', call: 0 };
      return originOfText(flow, text);
    case 'ref':
    case 'secret':
      return originOfValue(flow, text);
  }
}

function approvedOr(flow: TaskFlow, call: FlowCall, rule: Rule, text: string, found: Found): Found {
  return approvedAt(flow, rule, text, reuseOf(rule, call)) !== undefined ? { origin: 'approved', call: 0 } : found;
}

function isWanted(flow: TaskFlow, call: FlowCall, checked: readonly Checked[], overflow: boolean): boolean {
  const { profile, args } = call;
  // Also of a tool that a person let do something: what it was called by then is not what it is told now.
  if (!overflow && profile.families.length > 0 && choosesGraver(call, [...flow.families])) return false;
  if (wasWanted(flow, call, checked)) return true;
  if (!overflow && raisesRights(args) && !flow.families.has('grant')) return false;
  const itself = isAskedItself(flow, call);
  if (itself !== undefined) return itself;
  if (profile.families.includes('delete') && isOtherKind(flow, wordsOfTool(profile))) return false;
  if (profile.families.includes('delete') && profile.families.includes('cancel') && onlyReturns(flow)) return false;
  if (profile.families.length === 0) return !overflow && isAskedByVerb(flow, call);
  const widened = [...flow.widened]
    .filter(([, people]) =>
      [...people].some((person) => person === namedFile || uniqueAddress(flow, person) !== undefined),
    )
    .map(([family]): Family => family)
    .filter((family) => !flow.verbs.has(forbiddenKey(flow.hash, family)));
  return isRelevant(profile.families, [...flow.families], widened);
}

/** A person said that this is wanted. It is for what they could know of then: what was read since may have been planted for just this. */
function wasWanted(flow: TaskFlow, call: FlowCall, checked: readonly Checked[]): boolean {
  if (!applies('R6', call.profile.tier)) return false;
  const saidAt = approvedAt(flow, 'R6', call.profile.name, reuseOf('R6', call));
  if (saidAt === undefined) return false;
  if (isEveryday(call.profile)) return true;
  return checked.every(({ found: { origin, call: seenAt } }) =>
    seenAt === 0 ? origin === 'request' || origin === 'own' || origin === 'contact' : seenAt <= saidAt,
  );
}

/** To visit a site is to use its forms; which sites are allowed is the second rule's to say. */
function isFormOfAllowedSite(profile: ToolProfile, checked: readonly Checked[]): boolean {
  const urls = checked.filter(({ role }) => role === 'url');
  if (!usesForms(profile)) return false;
  return urls.length > 0 && urls.every(({ found }) => !heldAlone('url', found.origin));
}

function readsOf(flow: TaskFlow): FlowFacts['reads'] {
  return {
    untrusted: flow.labels.has('untrusted'),
    private: flow.labels.has('private'),
    labels: [...flow.labels].sort(),
  };
}
