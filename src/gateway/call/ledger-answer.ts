import type { BudgetScope, BudgetUnit } from '../../core/budget.ts';
import type { Admission } from '../../store/calls.ts';
import type { CutReason, OpenCall } from '../fence/open-calls.ts';
import { type Denial, denied, type Passage } from '../passage.ts';
import { cutDenial } from './cut-denial.ts';

/** From here on a stop, or a client that leaves, destroys the call. */
export function openCall<Call extends OpenCall>(passage: Passage, call: Call): Call {
  passage.host.openCalls.add(call);
  passage.onClientGone(() => call.destroy({ kind: 'client-gone' }));
  return call;
}

/** Nothing was reserved and nothing sent: it was cut while its socket was taken, or there was none to take. */
export function notConnected(
  call: { readonly cutReason: CutReason | undefined },
  reason: 'upstream-unavailable' | 'provider-unavailable',
): Denial {
  return call.cutReason === undefined ? denied(reason) : cutDenial(call.cutReason, false);
}

/** A store that does not answer denies, whatever was asked of it. */
export async function askLedger<Said>(
  { host }: Passage,
  about: { readonly event: 'admit.failed' | 'hand-over.failed'; readonly callId?: string },
  ask: () => Promise<Said>,
): Promise<Said | { readonly denial: Denial }> {
  try {
    return await ask();
  } catch (thrown) {
    host.log.warn({ ...about, error: String(thrown) }, 'the ledger did not answer; what was asked of it is denied');
    return { denial: { kind: 'unavailable', code: 'store-unavailable' } };
  }
}

type Refusal = Extract<Admission, { kind: 'stopped' | 'held' | 'over-budget' | 'denied' }>;

/** How the ledger's no reads to an agent, the same for every kind of call. */
export function ledgerDenial({ host }: Passage, refusal: Refusal): Denial {
  switch (refusal.kind) {
    case 'stopped':
      // The store knows of a stop that the view may not have yet: other calls need not wait for the next period.
      void host.renewNow();
      return { kind: 'stopped', stopId: refusal.stopId, mayHaveCompleted: false };
    case 'held':
      return denied('task-held');
    case 'over-budget':
      return denied('over-budget', budgetWords(refusal));
    case 'denied':
      if (refusal.reason !== 'unknown-gateway') return denied(refusal.reason);
      // The ledger counts this gateway no longer: it must register anew before it may admit.
      void host.renewNow();
      return { kind: 'unavailable', code: 'no-lease' };
  }
}

const budgetWords = ({ scope, unit }: { readonly scope: BudgetScope; readonly unit: BudgetUnit }): string =>
  `${scope} budget, ${unit === 'microcents' ? 'cents' : unit}`;
