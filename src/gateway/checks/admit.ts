import { defaultApprovalLimits } from '../../core/approval.ts';
import { oneCall } from '../../core/budget.ts';
import type { Admission } from '../../store/calls.ts';
import { approvalTerms } from '../call/approval-terms.ts';
import { cutDenial } from '../call/cut-denial.ts';
import { LiveCall } from '../call/live-call.ts';
import { shownText } from '../call/shown-text.ts';
import { takeSocket } from '../call/take-socket.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { bearerOf } from './fence.ts';

/**
 * One round trip to the store: redeems the approval, records the intent, and reads the stops last, whatever the view says. A
 * socket to the upstream is taken first, so that no approval is spent on a server that cannot be reached.
 * rule: admit-checks-stops
 */
export const admit: Check = async (passage) => {
  const { host, facts, asked } = passage;
  // A person approves what is shown; what the agent's own host answers to a server later nobody has seen.
  if (known(facts.needsApproval) && asked.kind === 'tool-call' && asked.inputs !== undefined)
    return denied('no-inputs-with-approval');
  const { pin } = known(facts.tool);
  const claims = known(facts.claims);
  const call = new LiveCall(host.newId('call'), bearerOf(passage));
  facts.call = call;
  host.openCalls.add(call);
  passage.onClientGone(() => call.destroy({ kind: 'client-gone' }));
  if (!(await takeSocket(passage, call))) {
    return call.cutReason === undefined ? denied('upstream-unavailable') : cutDenial(call.cutReason, false);
  }

  // Also if the reply is lost: the intent may be in the ledger.
  facts.outcome = 'denied';
  let decision: Admission;
  try {
    decision = await host.ledger.admit({
      callId: call.callId,
      gatewayId: host.fence.gatewayId,
      taskId: claims.taskId,
      tokenEpoch: claims.epoch,
      keys: claims.keys,
      toolKey: pin.scopeKey,
      digest: known(facts.digest),
      needsApproval: known(facts.needsApproval),
      worst: oneCall,
      ...approvalTerms(facts),
    });
  } catch (thrown) {
    host.log.warn(
      { event: 'admit.failed', callId: call.callId, error: String(thrown) },
      'ADMIT failed; the call is denied',
    );
    return { kind: 'unavailable', code: 'store-unavailable' };
  }
  switch (decision.kind) {
    case 'allow':
      facts.admitted = true;
      return undefined;
    case 'stopped':
      // The store knows of a stop that the view may not have yet: other calls need not wait for the next period.
      void host.renewNow();
      return { kind: 'stopped', stopId: decision.stopId, mayHaveCompleted: false };
    case 'held':
      return denied('task-held');
    case 'over-budget': {
      const { scope, unit } = decision;
      return denied('over-budget', `${scope} budget, ${unit === 'microcents' ? 'cents' : unit}`);
    }
    case 'needs-approval':
      return ask(passage);
    case 'denied':
      if (decision.reason !== 'unknown-gateway') return denied(decision.reason);
      // The ledger counts this gateway no longer: it must register anew before it may admit.
      void host.renewNow();
      return { kind: 'unavailable', code: 'no-lease' };
  }
};

async function ask({ host, facts }: Passage): Promise<Verdict> {
  delete facts.outcome; // ADMIT recorded no intent
  const { pin } = known(facts.tool);
  const { taskId, epoch } = known(facts.claims);
  const agent = known(facts.agent);
  const shown = shownText(pin, known(facts.canonicalArguments));
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
  });
  switch (decision.kind) {
    case 'refused':
      return denied('approval-refused');
    case 'denied-before':
      return denied('denied-before');
    case 'too-many':
      return denied('too-many-approvals');
    case 'open':
      return { kind: 'needs-approval', approvalId: decision.approvalId, expiresAt: decision.expiresAt };
  }
}
