import { type Check, denied } from '../passage.ts';

/** The tool is on record, and its definition is still the one that was accepted. */
export const checkToolKnown: Check = ({ host, asked, facts }) => {
  const found = asked.kind === 'tool-call' ? host.tools.find(asked.name) : undefined;
  if (found === undefined) return denied('tool-not-available');
  if (found.changed) return denied('tool-changed');
  facts.tool = found;
  return undefined;
};
