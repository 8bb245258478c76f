import { answerTo } from '../../core/flow/not-a-tool.ts';
import { cutDenial } from '../call/cut-denial.ts';
import { type Check, denied, known, type Verdict } from '../passage.ts';
import { bearerOf, fenceDenial } from './fence.ts';
import { fenceAndAnswer } from './fence-and-answer.ts';

/**
 * rule: fence-before-upstream, check-and-write-one-tick. Asked again when there is a socket: a stop of just what is told leaves the
 * session that it goes over alone.
 */
export const fenceAndTell: Check = async (passage): Promise<Verdict> => {
  const { host, asked, facts, client } = passage;
  const call = known(facts.telling);
  if (asked.kind !== 'answer' || known(facts.admitted) !== true) return denied('internal');
  if (call.cutReason !== undefined) return cutDenial(call.cutReason, false);
  const denial = fenceDenial(host.fence.check(bearerOf(passage)), false);
  if (denial !== undefined) return denial;
  facts.answer = {};
  const mayWrite = (): boolean => {
    if (call.cutReason !== undefined || host.fence.check(bearerOf(passage)).kind !== 'clear') return false;
    call.noteWritten();
    facts.outcome = 'possibly-completed';
    return true;
  };
  const told = client?.session?.answer(asked.question.id, known(facts.said), mayWrite);
  if (told === undefined) return undefined; // answered meanwhile by another, or its session is over: nothing goes out
  if (await told) facts.outcome = 'completed';
  return call.cutReason === undefined ? undefined : cutDenial(call.cutReason, call.isWritten());
};

/** What was told says nothing back; the ledger has to know that all of it was remembered. */
export const fenceAndAcknowledge: Check = (passage): Verdict | Promise<Verdict> => {
  const { host, asked, facts } = passage;
  if (asked.kind !== 'answer') return denied('internal');
  if (facts.outcome !== 'denied')
    host.flows.observe(known(facts.claims).taskId, known(facts.telling).callId, answerTo('', {}), {});
  return fenceAndAnswer(passage);
};
