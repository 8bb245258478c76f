import { answerTo } from '../../core/flow/not-a-tool.ts';
import type { Engine } from '../../policy/engine.ts';
import type { Listed } from '../../policy/request.ts';
import { saidIn } from '../mcp/question.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { findStanding, knownOf } from '../policy/policy-request.ts';
import type { Reach } from '../upstream/reach.ts';
import { checkPolicy, policyDenial } from './policy.ts';
import { reachListedIn } from './reach-scope.ts';

/**
 * What a server is told in answer to its own question. In the middle of a call it is more arguments of that call; elsewhere it is an
 * action of its own. Nobody can be asked while a server waits, so that what asks denies.
 */
export const checkAnswerPolicy: Check = async (passage): Promise<Verdict> => {
  const { host, asked, facts } = passage;
  if (asked.kind !== 'answer') return denied('internal');
  const { askedWhile, method } = asked.question;
  if (askedWhile.kind === 'tool-call') {
    const verdict = await checkPolicy(passage);
    if (verdict !== undefined || facts.needsApproval !== true) return verdict;
    return { kind: 'denied', reason: 'denied-by-policy', detail: unasked, policies: known(facts.decision).policyIds };
  }
  const engine = await host.policies.inForce();
  if (engine === undefined) return denied('policy-unavailable');
  const told =
    askedWhile.kind === 'reach'
      ? { ...whileReaching(passage, askedWhile.reach), method }
      : { serverId: askedWhile.server.spec.serverId, method, name: '', listed: 'wildcard' as const };
  return judgeAnswer(passage, engine, told, saidIn(asked.message));
};

const unasked = 'A person would have to be asked, and nobody can be while a server waits for an answer.';

interface Told {
  readonly serverId: string;
  readonly method: string;
  readonly name: string;
  readonly listed: Listed | undefined;
}

/** The same of answers that come with what is asked again. */
export function whileReaching({ facts }: Passage, reach: Reach): Told {
  const { server, method, name = '' } = reach;
  return { serverId: server.spec.serverId, method, name, listed: reachListedIn(known(facts.line), reach) };
}

export async function judgeAnswer(passage: Passage, engine: Engine, told: Told, said: unknown): Promise<Verdict> {
  const { host, facts } = passage;
  const { serverId, method, name, listed } = told;
  facts.flow ??= await host.flows.standing(known(facts.claims).taskId, answerTo(serverId, said));
  await findStanding(passage, engine, 'answer');
  const decision = engine.decideKind({
    ...knownOf(passage),
    kind: 'answer',
    resource: { type: 'Server', id: serverId },
    listed,
    method,
    name,
    says: true,
  });
  facts.decision = decision;
  facts.policyVersion = decision.version;
  return decision.outcome === 'allow' ? undefined : policyDenial(passage, decision);
}
