import type { JsonObject } from '../json/parse-strict.ts';
import { type Asked, type Check, denied } from '../passage.ts';
import { profileOf, serverSpecOf } from '../upstream/tool-pin-profile.ts';

/** The tool is on record, and its definition is still the one that was accepted. Its tier and labels are known from here on. */
export const checkToolKnown: Check = ({ host, asked, facts }) => {
  const call = calledIn(asked);
  const found = call === undefined ? undefined : host.tools.find(call.name);
  const spec = found === undefined ? undefined : serverSpecOf(host.config.current(), found.pin.serverId);
  if (found === undefined || spec === undefined) return denied('tool-not-available');
  if (found.changed) return denied('tool-changed');
  facts.tool = found;
  facts.profile = profileOf(found.pin, found.standing, spec);
  facts.tier = facts.profile.tier;
  facts.labels = facts.profile.labels;
  return undefined;
};

/** The call of a tool that is asked for, or that a server's question belongs to. */
export function calledIn(asked: Asked): { readonly name: string; readonly arguments: JsonObject } | undefined {
  if (asked.kind === 'tool-call') return asked;
  return asked.kind === 'answer' && asked.question.askedWhile.kind === 'tool-call'
    ? asked.question.askedWhile
    : undefined;
}
