import { type Check, denied } from '../passage.ts';
import { profileOf, serverSpecOf } from '../upstream/tool-pin-profile.ts';

/** The tool is on record, and its definition is still the one that was accepted. Its tier and labels are known from here on. */
export const checkToolKnown: Check = ({ host, asked, facts }) => {
  const found = asked.kind === 'tool-call' ? host.tools.find(asked.name) : undefined;
  const spec = found === undefined ? undefined : serverSpecOf(host.config.current(), found.pin.serverId);
  if (found === undefined || spec === undefined) return denied('tool-not-available');
  if (found.changed) return denied('tool-changed');
  facts.tool = found;
  facts.profile = profileOf(found.pin, found.standing, spec);
  facts.tier = facts.profile.tier;
  facts.labels = facts.profile.labels;
  return undefined;
};
