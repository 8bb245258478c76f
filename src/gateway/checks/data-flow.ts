import { withAnswers } from '../../core/flow/not-a-tool.ts';
import { toldIn } from '../flow/told-in.ts';
import { saidIn } from '../mcp/question.ts';
import { type Check, known } from '../passage.ts';
import { calledIn } from './tool-known.ts';

/**
 * Where the values of this call come from, as far as the gate remembers. What a server is told in answer to its questions goes out
 * like an argument, whoever gave it. It decides nothing: what is not known, the policy is told.
 */
export const checkDataFlow: Check = async ({ host, asked, facts }) => {
  const { taskId } = known(facts.claims);
  const call = calledIn(asked);
  if (call === undefined) {
    // What is about to be read will have to be remembered.
    await host.flows.prepare(taskId);
    if (!('method' in asked)) return undefined;
    const told = toldIn(known(facts.line), known(facts.reaches));
    facts.says = told.says;
    facts.flow = await host.flows.standing(taskId, told.call);
    return undefined;
  }
  const answers = asked.kind === 'answer' ? saidIn(asked.message) : facts.inputs?.given['inputResponses'];
  const made = { profile: known(facts.profile), args: call.arguments };
  facts.flow = await host.flows.standing(taskId, withAnswers(made, answers));
  return undefined;
};
