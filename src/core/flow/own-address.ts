/**
 * Where a thing is found, as the tool says that was asked for that thing, or that made it: "https://host/mara/kelp" of a call that was told
 * mara/kelp. One address, never its whole site: in a field of the one record that is the thing, which nobody wrote, or in the one short
 * sentence with which a tool says that it made it; only if it ends as the call called it, no second one does, and the call did not hold
 * it. Not seen is a server that leads astray itself, nor one that calls `url` what the owner of a thing may choose.
 */
import { type FlowCall, valuesOf } from './call.ts';
import { type Draft, mark } from './draft.ts';
import { stem } from './language/stem.ts';
import { isWritten } from './named-record.ts';
import { originOfValue } from './origin.ts';
import type { Rec } from './shape/fields.ts';
import { addressKey, type TaskFlow } from './task-flow.ts';

const isAddress = (text: string): boolean => /^https?:\/\/[^\s/?#]+\/[^\s?#]+$/i.test(text);
const saysWhere = /(?:^|_)(?:url|link|href)$|(?:Url|URL|Link)$/;
/** How tools call where a thing itself lies; a home page, a mirror or a link to join is what somebody chose. */
const saysOwn =
  /^(?:(?:html|web|clone|git|https?|view|self|public|repo(?:sitory)?|project|folder|file|page)_?)?(?:url|link|href)$|^permalink$/i;
const makes: ReadonlySet<string> = new Set(
  'fork create make new clone copy duplicate mirror import upload publish post generate add write save export init'
    .split(' ')
    .map(stem),
);
const longestSentence = 160;
const inSentence = /https?:\/\/[^\s"'<>,;()]+(?<![.:!?])/gi;

/** A second sentence, and what stands between quotes: what others may have written. */
const saidInIt = /[.!?]\s+\S|["“”‘`«»]|(?<!\p{L})'/u;

/** `acted`: whether the call did something, and did not only look. */
export function noteOwnAddress(
  draft: Draft,
  call: FlowCall,
  records: readonly Rec[],
  output: string,
  acted: boolean,
): void {
  const { families, arguments: given, labels, verb } = call.profile;
  // What a message brings back somebody may have answered, and what a program prints is its own.
  if (draft.tainted || families.includes('message') || families.includes('execute')) return;
  if (call.profile.tier === 'code' || given.some(({ role }) => role === 'url')) return;
  // What strangers write may be all that is shown, down to the names of its fields.
  if (!acted && labels.includes('untrusted')) return;
  const made = acted && makes.has(verb);
  const things = thingsNamed(draft.flow, call, made);
  if (things.length === 0) return;
  const roots = records.filter(({ within }) => within === undefined);
  const [root] = roots.length === 1 && !roots.some(isWritten) ? roots : [];
  const isIt = made || root?.fields.some(({ value }) => things.includes(value)) === true;
  const told = JSON.stringify(call.args);
  const mayBeIt = (url: string): boolean =>
    isAddress(url) && !told.includes(url) && things.some((thing) => endsIn(url, thing));
  const fields = (isIt ? (root?.fields ?? []) : []).filter(({ key, value }) => saysWhere.test(key) && mayBeIt(value));
  const isSentence = made && output.length <= longestSentence && !output.includes('\n') && !saidInIt.test(output);
  const said = isSentence ? (output.match(inSentence) ?? []).filter(mayBeIt) : [];
  const own = fields.filter(({ key }) => saysOwn.test(key)).map(({ value }) => value);
  const found = new Set([...fields.map(({ value }) => value), ...said]);
  const [only] = [...own, ...said];
  if (only !== undefined && found.size === 1) mark(draft, addressKey(draft.flow.hash, only), 'own');
}

/** By their last name alone where the call made them: what is forked from "owner/name" stands under another owner. */
function thingsNamed(flow: TaskFlow, call: FlowCall, made: boolean): readonly string[] {
  return valuesOf(call).values.flatMap(({ text }) => {
    if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(text) || text.length < 3 || /^\d+$/.test(text)) return [];
    const { origin } = originOfValue(flow, text);
    if (origin === 'request') return [made ? lastOf(text) : text];
    return made && (origin === 'nowhere' || origin === 'field') ? [lastOf(text)] : [];
  });
}

const lastOf = (text: string): string => text.slice(text.lastIndexOf('/') + 1);
const endsIn = (url: string, thing: string): boolean =>
  url
    .replace(/(?:\.git)?\/*$/i, '')
    .toLowerCase()
    .endsWith(`/${thing.toLowerCase()}`);
