import { isName } from '../../core/ids.ts';
import { listedGrant } from '../grants/listed-grant.ts';
import { type Check, denied } from '../passage.ts';

/**
 * The agent's own list, and those of the agents that it works for, have this credential now. What they have not is there no more,
 * whatever was issued. The credential of a tool has no name that could be asked for.
 */
export const checkGrantScope: Check = (passage) => {
  const { asked, facts } = passage;
  if (asked.kind !== 'grant' || !isName(asked.name)) return denied('no-such-grant');
  const listed = listedGrant(passage, asked.name);
  if (listed === undefined) return denied('no-such-grant');
  facts.grantSpec = listed;
  return undefined;
};
