import { notATool } from '../../core/flow/not-a-tool.ts';
import type { Decision } from '../../policy/decision.ts';
import type { Engine } from '../../policy/engine.ts';
import type { Kind } from '../../policy/kinds.ts';
import type { KindRequest, Known } from '../../policy/request.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { findStanding, knownOf } from '../policy/policy-request.ts';
import type { Reach } from '../upstream/reach.ts';
import { judgeAnswer, whileReaching } from './answer-policy.ts';
import { policyDenial } from './policy.ts';
import { reachListedIn } from './reach-scope.ts';

/** The policies in force decide about a model as about a tool, but for asking: nobody can be asked here. */
export const checkModelPolicy: Check = async (passage) => {
  const { host, facts } = passage;
  const engine = await host.policies.inForce();
  if (engine === undefined) return denied('policy-unavailable');
  const { modelId, provider } = known(facts.model);
  const decision = engine.decideKind({
    ...(await knownFor(passage, engine, 'model')),
    kind: 'model',
    resource: { type: 'Model', id: modelId, provider },
    listed: 'exact', // the step before has found it there
  });
  return taken(passage, decision);
};

/** What a server has besides its tools. Where several servers are asked, those that policy refuses are left out. */
export const checkReachPolicy: Check = async (passage): Promise<Verdict> => {
  const { host, facts, asked } = passage;
  const engine = await host.policies.inForce();
  if (engine === undefined) return denied('policy-unavailable');
  if (!('method' in asked)) return denied('internal');
  const reaches = known(facts.reaches);
  const [asking] = reaches;
  if (asking === undefined) return undefined; // a list of nothing
  const answers = asking.params['inputResponses'];
  const verdict =
    answers === undefined ? undefined : await judgeAnswer(passage, engine, whileReaching(passage, asking), answers);
  if (verdict !== undefined) return verdict;
  const answering = answers === undefined ? [] : known(facts.decision).policyIds;
  const common = await knownFor(passage, engine, asked.kind);
  const judged = reaches.map((reach) => ({ reach, decision: decide(engine, asked.kind, reach, passage, common) }));
  const allowed = judged.filter(({ decision }) => decision.outcome === 'allow');
  if (allowed.length > 0) facts.reaches = allowed.map(({ reach }) => reach);
  const [first = judged[0], ...others] = allowed;
  if (first === undefined) return denied('internal');
  const policyIds = [...new Set([...answering, ...[first, ...others].flatMap(({ decision }) => decision.policyIds)])];
  return taken(passage, { ...first.decision, policyIds });
};

function decide(engine: Engine, kind: Kind, reach: Reach, { facts }: Passage, common: Omit<Known, 'listed'>): Decision {
  const request: KindRequest = {
    ...common,
    kind,
    resource: { type: 'Server', id: reach.server.spec.serverId },
    listed: reachListedIn(known(facts.line), reach),
    method: reach.method,
    name: reach.name ?? '',
    says: known(facts.says),
  };
  return engine.decideKind(request);
}

function taken(passage: Passage, decision: Decision): Verdict {
  passage.facts.decision = decision;
  passage.facts.policyVersion = decision.version;
  return decision.outcome === 'allow' ? undefined : policyDenial(passage, decision);
}

/** Of a model, what the task has read is looked up only where a policy in force looks at it; ADMIT compares it with what others learned. */
async function knownFor(passage: Passage, engine: Engine, kind: Kind): Promise<Omit<Known, 'listed'>> {
  const { host, facts } = passage;
  if (engine.looksAt(kind, 'trace', 'reads'))
    facts.flow ??= await host.flows.standing(known(facts.claims).taskId, notATool);
  await findStanding(passage, engine, kind);
  return knownOf(passage);
}
