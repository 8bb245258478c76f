import type { Decision } from '../../policy/decision.ts';
import type { Engine } from '../../policy/engine.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { findStanding, policyRequestOf } from '../policy/policy-request.ts';

/**
 * The policies in force decide: allow, ask a person, deny. What could not be decided is denied, and the agent's own list binds
 * whatever they say.
 */
export const checkPolicy: Check = (passage) => {
  const engine = passage.host.policies.inForce();
  return engine instanceof Promise ? engine.then((settled) => judge(passage, settled)) : judge(passage, engine);
};

function judge(passage: Passage, engine: Engine | undefined): Verdict | Promise<Verdict> {
  if (engine === undefined) return denied('policy-unavailable');
  const finding = findStanding(passage, engine, 'tool');
  return finding === undefined ? decide(passage, engine) : finding.then(() => decide(passage, engine));
}

function decide(passage: Passage, engine: Engine): Verdict {
  const { facts } = passage;
  const request = policyRequestOf(passage);
  if ('kind' in request) return request;
  const decision = engine.decide(request);
  facts.decision = decision;
  facts.policyVersion = decision.version;
  facts.approvers = decision.approvers;
  switch (decision.outcome) {
    case 'allow':
      facts.needsApproval = known(facts.mark) === 'ask';
      return undefined;
    case 'ask':
      facts.needsApproval = true;
      return undefined;
    case 'deny':
      return policyDenial(passage, decision);
  }
}

/** The policies that refused, for whoever is refused and for the log. */
export function policyDenial({ host, asked, facts }: Passage, { policyIds, reasons, version }: Decision): Verdict {
  host.log.info(
    {
      event: 'policy.denied',
      taskId: known(facts.claims).taskId,
      asked: facts.tool?.pin.scopeKey ?? facts.model?.modelId ?? asked.kind,
      policies: policyIds,
      version,
    },
    'policy denied a request',
  );
  const detail = reasons.map(({ sentence }) => sentence).join(' ');
  return { kind: 'denied', reason: 'denied-by-policy', detail, policies: policyIds };
}
