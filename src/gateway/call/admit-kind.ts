import type { Admission, AdmitRequest } from '../../store/calls.ts';
import { decideKindAgain } from '../flow/decide-again.ts';
import { type Denial, denied, known, type Passage, type Verdict } from '../passage.ts';
import { askLedger, ledgerDenial } from './ledger-answer.ts';

type OfThis = Pick<AdmitRequest, 'callId' | 'keys' | 'toolKey' | 'digest' | 'worst'>;
type Settled = Exclude<Admission, { kind: 'stale-flow' }>;

/**
 * ADMIT of what is no tool call: the intent is recorded, budgets count, the stops are read last. Nobody is asked, so an answer
 * that would need an approval means nothing here, and denies.
 * rule: admit-checks-stops
 */
export async function admitKind(passage: Passage, request: OfThis): Promise<Verdict> {
  const decision = await decide(passage, request);
  if ('denial' in decision) return decision.denial;
  switch (decision.kind) {
    case 'allow':
      passage.facts.admitted = true;
      return undefined;
    case 'needs-approval':
      return denied('internal');
    default:
      return ledgerDenial(passage, decision);
  }
}

/**
 * A policy that looked at what the task has read decided by a memory of which the ledger knows whether another gateway has added
 * to it.
 */
async function decide(passage: Passage, request: OfThis): Promise<Settled | { readonly denial: Denial }> {
  const { host, facts } = passage;
  const { taskId, epoch } = known(facts.claims);
  for (let tries = 1; ; tries += 1) {
    const decision = await askLedger(passage, { event: 'admit.failed', callId: request.callId }, () =>
      host.ledger.admit({
        ...request,
        gatewayId: host.fence.gatewayId,
        taskId,
        tokenEpoch: epoch,
        needsApproval: false,
        policyVersion: known(facts.policyVersion),
        policies: known(facts.decision).policyIds,
        approvers: 1,
        flowSeq: facts.flow?.kind === 'known' ? facts.flow.seq : undefined,
      }),
    );
    if ('denial' in decision || decision.kind !== 'stale-flow') return decision;
    const denial = await decideKindAgain(passage, tries);
    if (denial !== undefined) return { denial };
  }
}
