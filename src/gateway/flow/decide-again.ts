import { checkAnswerPolicy } from '../checks/answer-policy.ts';
import { checkDataFlow } from '../checks/data-flow.ts';
import { checkPolicy } from '../checks/policy.ts';
import { checkModelPolicy, checkReachPolicy } from '../checks/policy-of-kind.ts';
import { known, type Passage, type Verdict } from '../passage.ts';

const mostTries = 3;

/**
 * Another gateway learned something of this task between the policy's decision and ADMIT. Read it, and decide anew. Where that
 * goes on and on the policy is told that nothing is known, and ADMIT compares no more.
 */
export async function decideAgain(passage: Passage, tries: number): Promise<Verdict> {
  const { host, facts } = passage;
  if (tries < mostTries) {
    await host.flows.catchUp(known(facts.claims).taskId);
    const verdict = await checkDataFlow(passage);
    if (verdict !== undefined) return verdict;
  } else {
    facts.flow = { kind: 'unknown', why: 'incomplete' };
  }
  return checkPolicy(passage);
}

/** The same of what is no tool. */
export async function decideKindAgain(passage: Passage, tries: number): Promise<Verdict> {
  const { host, facts, asked } = passage;
  if (tries < mostTries) {
    await host.flows.catchUp(known(facts.claims).taskId);
    delete facts.flow;
    if ('method' in asked) await checkDataFlow(passage);
  } else {
    facts.flow = { kind: 'unknown', why: 'incomplete' };
  }
  if (asked.kind === 'model') return checkModelPolicy(passage);
  if (asked.kind !== 'answer') return checkReachPolicy(passage);
  if (facts.tool !== undefined && facts.flow === undefined) await checkDataFlow(passage);
  return checkAnswerPolicy(passage);
}
