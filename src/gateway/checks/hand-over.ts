import { EstopError } from '../../core/errors.ts';
import { isName } from '../../core/ids.ts';
import type { HandOver } from '../../store/grants.ts';
import { type Check, denied, known, type Verdict } from '../passage.ts';
import { fenceAndAnswer } from './fence-and-answer.ts';

/** Reads the sealed grant; the store decides in the same statement whether it is still alive. */
export const handOver: Check = async ({ host, asked, facts }) => {
  if (asked.kind !== 'grant' || !isName(asked.name)) return denied('no-such-grant');
  const { taskId, epoch } = known(facts.claims);
  let decision: HandOver;
  try {
    decision = await host.ledger.handOver(taskId, asked.name, epoch);
  } catch (thrown) {
    host.log.warn({ event: 'hand-over.failed', error: String(thrown) }, 'a grant could not be read; it is denied');
    return { kind: 'unavailable', code: 'store-unavailable' };
  }
  switch (decision.kind) {
    case 'handed-over':
      facts.grant = decision;
      return undefined;
    case 'stopped':
      void host.renewNow();
      return { kind: 'stopped', stopId: decision.stopId, mayHaveCompleted: false };
    case 'held':
      return denied('task-held');
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
