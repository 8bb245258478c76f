import { setTimeout as sleep } from 'node:timers/promises';
import type { Obtained } from '../../store/grant-wants.ts';
import type { HandOver } from '../../store/grants.ts';
import { askLedger, ledgerDenial } from '../call/ledger-answer.ts';
import { type Denial, denied, known, type Passage } from '../passage.ts';

type HandedOver = Extract<HandOver, { readonly kind: 'handed-over' }>;

const firstLookMs = 25;
const longestLookMs = 250;

/**
 * The sealed grant of the task. One that is issued at its first use and is not there (any more) is asked for, and waited for a while:
 * the mint looks at the stops by itself, and every look here reads them again in the statement that would hand it over. Whatever
 * comes of the wait, nothing is handed over that the last look did not allow. rule: mint-reread-before-hand-over
 */
export async function obtainGrant(
  passage: Passage,
  name: string,
  isAtFirstUse: boolean,
): Promise<HandedOver | { readonly denial: Denial }> {
  const { host, facts } = passage;
  const { taskId, epoch } = known(facts.claims);
  const until = performance.now() + host.grantWaitMs;
  let isGone = false;
  passage.onClientGone(() => {
    isGone = true;
  });
  for (let pause = firstLookMs; ; pause = Math.min(pause * 2, longestLookMs)) {
    const decision = await askLedger(passage, { event: 'hand-over.failed' }, () =>
      isAtFirstUse ? host.ledger.obtainGrant(taskId, name, epoch) : host.ledger.handOver(taskId, name, epoch),
    );
    if ('denial' in decision || decision.kind === 'handed-over') return decision;
    if (decision.kind !== 'wanted') return { denial: denialOf(passage, decision) };
    if (isGone || performance.now() >= until) return { denial: denied('grant-not-issued') };
    await sleep(pause);
  }
}

type Refusal = Exclude<Obtained | HandOver, { readonly kind: 'handed-over' }>;

function denialOf(passage: Passage, refusal: Refusal): Denial {
  switch (refusal.kind) {
    case 'stopped':
    case 'held':
      return ledgerDenial(passage, refusal);
    case 'task-closed':
      return denied('task-closed');
    case 'unknown-task':
      return denied('unknown-task');
    case 'none':
      return denied('no-such-grant');
    case 'wanted':
      return denied('grant-not-issued');
    case 'refused':
      // Its connector is stopped, if not the task: no view need have it yet.
      if (refusal.reason === 'stopped') return { kind: 'stopped', stopId: undefined, mayHaveCompleted: false };
      return denied(refusal.reason === 'denied-by-policy' ? refusal.reason : 'grant-not-issued');
  }
}
