import { oneCall } from '../../core/budget.ts';
import type { Admission } from '../../store/calls.ts';
import { connectReach, reachParams } from '../call/connect-reach.ts';
import { cutDenial } from '../call/cut-denial.ts';
import { LiveCall } from '../call/live-call.ts';
import { callDigest } from '../json/canonical.ts';
import { isListMethod } from '../mcp/methods.ts';
import { type Check, denied, known, type Verdict } from '../passage.ts';
import { bearerOf } from './fence.ts';

/**
 * The same ADMIT as of a tool call, for everything else that says something to an upstream: the intent is recorded, budgets
 * count, the stops are read last. Lists are not admitted; they carry no word of the agent's.
 * rule: admit-checks-stops
 */
export const admitReach: Check = async (passage): Promise<Verdict> => {
  const { host, facts, asked } = passage;
  const [reach] = known(facts.reaches);
  if (!('method' in asked)) return denied('internal');
  if (isListMethod(asked.method) || reach === undefined) {
    facts.admitted = true;
    return undefined;
  }
  const claims = known(facts.claims);
  const params = reachParams(reach);
  const call = new LiveCall(host.newId('call'), bearerOf(passage));
  facts.call = call;
  host.openCalls.add(call);
  passage.onClientGone(() => call.destroy({ kind: 'client-gone' }));
  if (!(await connectReach(passage, reach, call)))
    return call.cutReason === undefined ? denied('upstream-unavailable') : cutDenial(call.cutReason, false);
  facts.outcome = 'denied';
  let decision: Admission;
  try {
    decision = await host.ledger.admit({
      callId: call.callId,
      gatewayId: host.fence.gatewayId,
      taskId: claims.taskId,
      tokenEpoch: claims.epoch,
      keys: claims.keys,
      toolKey: reach.scopeKey,
      digest: callDigest(reach.scopeKey, '', params),
      needsApproval: false,
      worst: oneCall,
      policyVersion: 'none',
      approvers: 1,
    });
  } catch (thrown) {
    host.log.warn(
      { event: 'admit.failed', callId: call.callId, error: String(thrown) },
      'ADMIT failed; the request is denied',
    );
    return { kind: 'unavailable', code: 'store-unavailable' };
  }
  switch (decision.kind) {
    case 'allow':
      facts.admitted = true;
      return undefined;
    case 'stopped':
      void host.renewNow();
      return { kind: 'stopped', stopId: decision.stopId, mayHaveCompleted: false };
    case 'held':
      return denied('task-held');
    case 'over-budget': {
      const { scope, unit } = decision;
      return denied('over-budget', `${scope} budget, ${unit === 'microcents' ? 'cents' : unit}`);
    }
    case 'needs-approval':
    case 'stale-flow':
      return denied('internal');
    case 'denied':
      if (decision.reason !== 'unknown-gateway') return denied(decision.reason);
      void host.renewNow();
      return { kind: 'unavailable', code: 'no-lease' };
  }
};
