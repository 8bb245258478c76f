import { defaultApprovalLimits } from '../../core/approval.ts';
import { oneCall } from '../../core/budget.ts';
import type { Decision } from '../../policy/decision.ts';
import type { Admission } from '../../store/calls.ts';
import { approvalTerms } from '../call/approval-terms.ts';
import { askByUrl } from '../call/ask-by-url.ts';
import { askLedger, ledgerDenial, notConnected, openCall } from '../call/ledger-answer.ts';
import { LiveCall } from '../call/live-call.ts';
import { shownText } from '../call/shown-text.ts';
import { takePlace } from '../call/take-place.ts';
import { takeSocket } from '../call/take-socket.ts';
import { decideAgain } from '../flow/decide-again.ts';
import { type Check, type Denial, denied, known, type Passage, type Verdict } from '../passage.ts';
import { bearerOf, credentialKeys } from './fence.ts';

/**
 * One round trip to the store: redeems the approval, records the intent, and reads the stops last, whatever the view says. A
 * socket to the upstream is taken first, so that no approval is spent on a server that cannot be reached.
 * rule: admit-checks-stops
 */
export const admit: Check = async (passage) => {
  const { host, facts } = passage;
  const full = takePlace(passage, known(facts.tool).server.place);
  if (full !== undefined) return full;
  const call = openCall(passage, new LiveCall(host.newId('call'), bearerOf(passage)));
  facts.call = call;
  if (!(await takeSocket(passage, call))) return notConnected(call, 'upstream-unavailable');
  facts.outcome = 'denied'; // also if the reply is lost: the intent may be in the ledger
  const decision = await askLedger(passage, { event: 'admit.failed', callId: call.callId }, () =>
    decide(passage, call),
  );
  if ('denial' in decision) return decision.denial;
  switch (decision.kind) {
    case 'allow':
      facts.admitted = true;
      if (decision.approvalId !== undefined) host.flows.answered(known(facts.claims).taskId, 'yes', facts.flow);
      return undefined;
    case 'needs-approval':
      return ask(passage);
    default:
      return ledgerDenial(passage, decision);
  }
};

type Settled = Exclude<Admission, { kind: 'stale-flow' }>;

async function decide(passage: Passage, call: LiveCall): Promise<Settled | { readonly denial: Denial }> {
  const { host, facts } = passage;
  const { taskId, epoch, keys } = known(facts.claims);
  for (let tries = 1; ; tries += 1) {
    const decision = await host.ledger.admit({
      callId: call.callId,
      gatewayId: host.fence.gatewayId,
      taskId,
      tokenEpoch: epoch,
      keys: credentialKeys(keys, facts.credential),
      toolKey: known(facts.tool).pin.scopeKey,
      digest: known(facts.digest),
      needsApproval: known(facts.needsApproval),
      worst: oneCall,
      ...approvalTerms(facts),
      policies: known(facts.decision).policyIds,
      flowSeq: facts.flow?.kind === 'known' ? facts.flow.seq : undefined,
    });
    if (decision.kind !== 'stale-flow') return decision;
    const denial = await decideAgain(passage, tries);
    if (denial !== undefined) return { denial };
  }
}

async function ask(passage: Passage): Promise<Verdict> {
  const { host, facts } = passage;
  delete facts.outcome; // ADMIT recorded no intent
  const { pin } = known(facts.tool);
  const { taskId, epoch } = known(facts.claims);
  const agent = known(facts.agent);
  const shown = shownText(pin, known(facts.canonicalArguments), facts.inputs?.canonical);
  if (shown === undefined) return denied('too-large-to-review');
  const decision = await host.ledger.requestApproval({
    approvalId: host.newId('appr'),
    taskId,
    tokenEpoch: epoch,
    toolKey: pin.scopeKey,
    digest: known(facts.digest),
    shown,
    ttlMs: agent.limits.approvalTtlMs,
    ...approvalTerms(facts),
    limits: agent.approvals ?? defaultApprovalLimits,
    reasons: known(facts.decision).reasons.slice(0, mostReasons),
  });
  switch (decision.kind) {
    case 'refused':
      return denied('approval-refused');
    case 'denied-before':
      host.flows.answered(taskId, 'no', facts.flow);
      return denied('denied-before');
    case 'too-many':
      return denied('too-many-approvals');
    case 'open':
      return askByUrl(passage, {
        kind: 'needs-approval',
        approvalId: decision.approvalId,
        expiresAt: decision.expiresAt,
        ...askedBy(known(facts.decision)),
      });
  }
}

const longestWhy = 1_000;
/** More than anybody reads; each is a sentence of ours around one short value. */
const mostReasons = 20;

function askedBy({ policyIds, reasons }: Decision): { readonly policies: readonly string[]; readonly why: string } {
  const why = reasons.map(({ sentence }) => sentence).join(' ');
  return { policies: policyIds, why: why.slice(0, longestWhy) };
}
