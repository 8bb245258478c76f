import type { JsonObject } from '../json/parse-strict.ts';
import { type Check, type Facts, known } from '../passage.ts';

/** Where the values of this call come from, as far as the gate remembers. It decides nothing: what is not known, the policy is told. */
export const checkDataFlow: Check = async ({ host, asked, facts }) => {
  const { taskId } = known(facts.claims);
  if (asked.kind !== 'tool-call') {
    // What is about to be read will have to be remembered.
    await host.flows.prepare(taskId);
    return undefined;
  }
  facts.flow = await host.flows.standing(taskId, {
    profile: known(facts.profile),
    args: flowArguments(asked.arguments, facts.inputs),
  });
  return undefined;
};

/** No tool has an argument of this name. */
const answersName = 'estop answers';

/** What a server is told in answer to its questions goes out like an argument, whoever gave it. */
function flowArguments(args: JsonObject, inputs: Facts['inputs']): JsonObject {
  const answers = inputs?.given['inputResponses'];
  return answers === undefined ? args : { ...args, [answersName]: answers };
}
