/** What an output adds to the memory of a task. Linear, and capped: what lies beyond a cap counts as prose. */
import { noteContacts } from './address-book.ts';
import { type FlowCall, valuesOf } from './call.ts';
import { noteDelegated } from './delegated.ts';
import { type Draft, emptyDraft, mark, mostFields, noteNamed, noteProse, noteRecord } from './draft.ts';
import { noteLabels } from './keys-told.ts';
import { isNamedFile, isNamedPage, isThatFile, noteLabelled, notePaths } from './made-paths.ts';
import { authorOf, meetAll, ownAddress, reachedPeople } from './mailbox.ts';
import { namedRecords } from './named-record.ts';
import { noteNamesakes } from './namesakes.ts';
import { begins } from './one-time-code.ts';
import { isSteered, originOfValue } from './origin.ts';
import { noteOwnAddress } from './own-address.ts';
import { isSteeredLook, plainLook } from './program/plain-look.ts';
import { noteRooms } from './rooms.ts';
import { structureOf } from './shape/structure.ts';
import { applyDelta, exactKey, type FlowDelta, looseKey, selfKey, type TaskFlow } from './task-flow.ts';

/** Grows the flow in place, and gives what a store must append to make it again. */
export function observe(flow: TaskFlow, call: FlowCall, output: string): FlowDelta {
  const programs = plainLook(call);
  const looks = programs !== undefined || call.profile.tier === 'read' || call.profile.tier === 'fetch';
  const steered = looks && (isTainted(flow, call) || (programs !== undefined && isSteeredLook(flow, programs)));
  const draft = emptyDraft(flow, steered);
  const { records, prose, cut = false } = structureOf(output);
  // What was there before it looked was not made by it.
  if (programs === undefined) notePaths(draft, call, output);
  noteSelf(draft, call);
  const ofFile = isNamedFile(flow, call);
  if (ofFile) noteLabelled(draft, output);
  const own = cut ? undefined : ownAddress(call, records);
  if (own !== undefined && !draft.tainted) mark(draft, exactKey(flow.hash, own), 'own');
  const source = isThatFile(flow, call) || isNamedPage(flow, call) ? output : '';
  const people = reachedPeople(meetAll(draft, records, source, cut));
  // A page says of itself what it likes.
  const named =
    cut || draft.tainted || call.profile.tier === 'fetch' ? new Set() : namedRecords(flow, records, call, output);
  noteContacts(draft, call, records, cut);
  noteNamesakes(draft, records);
  for (const record of records) {
    if (named.has(record)) noteNamed(draft, record);
    if (draft.overflow && draft.fields >= mostFields) break;
    noteRecord(draft, record, authorOf(flow, people, record));
  }
  noteRooms(draft, call, records);
  noteDelegated(draft, call, output);
  noteOwnAddress(draft, call, records, output, !looks);
  if (!looks) noteMade(draft, call, output);
  noteProse(draft, prose);
  noteLabels(draft, output);
  if (!looks) forgetEcho(draft, call);
  const delta = deltaOf(draft, output === '' ? [] : call.profile.labels, begins(flow, call));
  applyDelta(flow, delta);
  return delta;
}

function deltaOf(draft: Draft, labels: readonly string[], verbs: readonly string[]): FlowDelta {
  return {
    calls: draft.call,
    values: [...draft.values.values()],
    words: { request: [], known: [...draft.known], prose: [...draft.prose] },
    named: draft.named,
    addresses: [...draft.addresses.values()],
    families: [],
    widened: draft.widened,
    verbs: verbs.filter((verb) => !draft.flow.verbs.has(verb)),
    labels: labels.filter((label) => !draft.flow.labels.has(label)),
    overflow: draft.overflow,
    crowded: draft.crowded,
  };
}

/**
 * Whom the agent names before it has read anything it was told to be: nobody can have talked it into that. Under the same argument
 * alone, because whose box is read is not to whom it is sent.
 */
function noteSelf(draft: Draft, call: FlowCall): void {
  const { flow } = draft;
  const { tier } = call.profile;
  if (flow.calls > 0 || flow.words.prose.size > 0 || (tier !== 'read' && tier !== 'fetch')) return;
  for (const { role, text, argument } of valuesOf(call).values)
    if (role === 'party' || argument === 'owner') mark(draft, selfKey(flow.hash, argument, text), 'own');
}

/**
 * "Message sent to U3": that the tool repeats what the agent gave it makes it no value of others. Only of what acted, and only of
 * what no output had said before.
 */
function forgetEcho({ flow, values }: Draft, call: FlowCall): void {
  if (flow.overflow) return;
  for (const { role, text } of valuesOf(call).values) {
    const key = looseKey(flow.hash, text);
    if (role === 'ref' && originOfValue(flow, text).origin === 'nowhere' && values.get(key)?.[1] === 'prose')
      values.delete(key);
  }
}

/**
 * "Work order W-602 created.": the number that a tool gives to what it just made is the tool's own word, as a field would be. Only in one
 * short sentence of a tool that runs no program, reaches no address and is known to do something, and no number that was said before.
 */
function noteMade(draft: Draft, { profile }: FlowCall, output: string): void {
  const { flow } = draft;
  if (profile.families.length === 0 && profile.tier !== 'write') return;
  if (output.length > longestMade || output.includes('\n') || flow.overflow) return;
  if (profile.families.includes('execute') || profile.arguments.some(({ role }) => role === 'url')) return;
  const [only, ...others] = [...output.matchAll(made)];
  if (only === undefined || others.length > 0 || !confirms.test(output) || saidInIt.test(output)) return;
  if (originOfValue(flow, only[0]).origin === 'nowhere') mark(draft, exactKey(flow.hash, only[0]), 'field');
}
const longestMade = 160;
/** That something was done. */
const confirms = /\b(?:\p{L}+ed|made|sent|paid|set|put|done|ok|new)\b/iu;
/** A second sentence, and what stands between quotes or behind a colon: a title, an answer, which others may have written. */
const saidInIt =
  /[.!?]\s+\S|["“”‘`«»]|(?<!\p{L})'|(?<!\b(?:id|no|nr|number|ref|reference|key|code|ticket|order|issue))\s?:\s/iu;
const made = /(?<![\p{L}\p{N}@/.:_-])#?(?:[A-Z]{1,6}-?)?\d{1,8}(?![\p{L}\p{N}@/:_-]|\.\p{N})/gu;

/** Only what looks can be steered; what acts was judged by its own rules. */
const isTainted = (flow: TaskFlow, call: FlowCall): boolean =>
  valuesOf(call).values.some(
    ({ role, text, argument }) =>
      role !== 'url' && role !== 'secret' && !/path|dir|folder|file$/i.test(argument) && isSteered(flow, text),
  );
