/**
 * Where a thing is found, as the tool says that was asked for that thing, or that made it: "https://host/mara/kelp" of a call that was told
 * mara/kelp. One address, never its whole site: in a field of the one record that is the thing, which nobody wrote, or in the one short
 * sentence with which a tool says that it made it; only if it ends as the call called it, and no second one does. Not seen is a server
 * that leads astray itself.
 */
import { type FlowCall, valuesOf } from './call.ts';
import { type Draft, mark } from './draft.ts';
import { isWritten } from './named-record.ts';
import { originOfValue } from './origin.ts';
import type { Rec } from './shape/fields.ts';
import { addressKey, type TaskFlow } from './task-flow.ts';

const isAddress = (text: string): boolean => /^https?:\/\/[^\s/?#]+\/[^\s?#]+$/i.test(text);
const saysWhere = /(?:^|_)(?:url|link|href)$|(?:Url|URL|Link)$/;
const longestSentence = 160;
const inSentence = /https?:\/\/[^\s"'<>,;()]+(?<![.:!?])/gi;

/** `acted`: whether the call did something, and did not only look. */
export function noteOwnAddress(
  draft: Draft,
  call: FlowCall,
  records: readonly Rec[],
  output: string,
  acted: boolean,
): void {
  const { families, arguments: given } = call.profile;
  // What a message brings back somebody may have answered.
  if (draft.tainted || families.includes('message') || given.some(({ role }) => role === 'url')) return;
  const things = thingsNamed(draft.flow, call, acted);
  if (things.length === 0) return;
  const roots = records.filter(({ within }) => within === undefined);
  const [root] = roots.length === 1 && !roots.some(isWritten) ? roots : [];
  const isIt = acted || root?.fields.some(({ value }) => things.includes(value)) === true;
  const urls = (isIt ? (root?.fields ?? []) : [])
    .filter(({ key, value }) => saysWhere.test(key) && isAddress(value))
    .map(({ value }) => value);
  const sentence = acted && output.length <= longestSentence && !output.includes('\n');
  if (sentence) urls.push(...(output.match(inSentence) ?? []).filter(isAddress));
  const found = new Set(urls.filter((url) => things.some((thing) => endsIn(url, thing))));
  const [only] = found;
  if (only !== undefined && found.size === 1) mark(draft, addressKey(draft.flow.hash, only), 'own');
}

/** By their last name alone where the call made them: what is forked from "owner/name" stands under another owner. */
function thingsNamed(flow: TaskFlow, call: FlowCall, acted: boolean): readonly string[] {
  return valuesOf(call).values.flatMap(({ text }) => {
    if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(text) || text.length < 3 || /^\d+$/.test(text)) return [];
    const { origin } = originOfValue(flow, text);
    if (origin === 'request') return [acted ? lastOf(text) : text];
    return acted && (origin === 'nowhere' || origin === 'field') ? [lastOf(text)] : [];
  });
}

const lastOf = (text: string): string => text.slice(text.lastIndexOf('/') + 1);
const endsIn = (url: string, thing: string): boolean =>
  url
    .replace(/(?:\.git)?\/*$/i, '')
    .toLowerCase()
    .endsWith(`/${thing.toLowerCase()}`);
