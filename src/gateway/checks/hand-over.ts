import { EstopError } from '../../core/errors.ts';
import { isName } from '../../core/ids.ts';
import { askLedger, ledgerDenial } from '../call/ledger-answer.ts';
import { type Check, denied, known, type Verdict } from '../passage.ts';
import { fenceAndAnswer } from './fence-and-answer.ts';

/** Reads the sealed grant; the store decides in the same statement whether it is still alive. */
export const handOver: Check = async (passage) => {
  const { host, asked, facts } = passage;
  if (asked.kind !== 'grant' || !isName(asked.name)) return denied('no-such-grant');
  const { taskId, epoch } = known(facts.claims);
  const decision = await askLedger(passage, { event: 'hand-over.failed' }, () =>
    host.ledger.handOver(taskId, asked.name, epoch),
  );
  if ('denial' in decision) return decision.denial;
  switch (decision.kind) {
    case 'handed-over':
      facts.grant = decision;
      return undefined;
    case 'stopped':
    case 'held':
      return ledgerDenial(passage, decision);
    case 'task-closed':
      return denied('task-closed');
    case 'none':
      return denied('no-such-grant');
  }
};

/** Unseals last, in the tick in which the fence is asked and the answer goes out. The secret is in no log and in no fact. */
export const fenceAndHandOver: Check = (passage): Verdict => {
  const { facts, host, asked } = passage;
  const grant = known(facts.grant);
  if (asked.kind !== 'grant') return denied('internal');
  const plain = host.sealer.open(grant.sealed, grant.grantId);
  facts.answer = {
    name: asked.name,
    connector: grant.connector,
    target: grant.target,
    secret: secretIn(plain),
    absoluteEnd: grant.absoluteEnd,
  };
  const verdict = fenceAndAnswer(passage);
  delete facts.answer;
  return verdict as Verdict; // it is synchronous
};

/** The parser's own error would quote what it could not read. */
function secretIn(plain: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(plain).toString('utf8'));
  } catch {
    throw new EstopError('sealed-data-invalid');
  }
}
