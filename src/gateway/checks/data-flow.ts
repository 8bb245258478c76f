import { type Check, denied, known } from '../passage.ts';

/** Where the values of this call come from, as far as the gate remembers. It decides nothing: what is not known, the policy is told. */
export const checkDataFlow: Check = async ({ host, asked, facts }) => {
  if (asked.kind !== 'tool-call') return denied('internal');
  const { taskId } = known(facts.claims);
  facts.flow = await host.flows.standing(taskId, { profile: known(facts.profile), args: asked.arguments });
  return undefined;
};
