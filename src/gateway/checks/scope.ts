import { markIn } from '../../contract/delegation.ts';
import { type Check, denied, known } from '../passage.ts';
import { rightsOf } from '../rights.ts';

/** The agent's own list, and those of the agents that it works for, allow the tool, or ask. What is not listed is denied. */
export const checkScope: Check = ({ host, facts }) => {
  const line = rightsOf(host.config.current(), known(facts.claims));
  const mark = line === undefined ? undefined : markIn(line, known(facts.tool).pin);
  if (line === undefined || mark === undefined) return denied('tool-not-available');
  facts.agent = line[0];
  facts.line = line;
  facts.mark = mark;
  return undefined;
};
