import { type Check, known } from '../passage.ts';

/** Where the values of this call come from, as far as the gate remembers. It decides nothing: what is not known, the policy is told. */
export const checkDataFlow: Check = async ({ host, asked, facts }) => {
  const { taskId } = known(facts.claims);
  if (asked.kind !== 'tool-call') {
    // What is about to be read will have to be remembered.
    await host.flows.prepare(taskId);
    return undefined;
  }
  facts.flow = await host.flows.standing(taskId, { profile: known(facts.profile), args: asked.arguments });
  return undefined;
};
