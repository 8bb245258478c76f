import { oneCall } from '../../core/budget.ts';
import { admitKind } from '../call/admit-kind.ts';
import { openCall } from '../call/ledger-answer.ts';
import { ToldAnswer } from '../call/told-answer.ts';
import { type Check, known, type Verdict } from '../passage.ts';
import { bearerOf } from './fence.ts';
import { answeredKey } from './question-known.ts';

/** The same ADMIT as of a call: what a server is told is recorded, counts, and reads the stops last. rule: admit-checks-stops */
export const admitAnswer: Check = async (passage): Promise<Verdict> => {
  const { host, facts } = passage;
  const call = openCall(passage, new ToldAnswer(host.newId('call'), bearerOf(passage)));
  facts.telling = call;
  facts.outcome = 'denied'; // also if the reply is lost: the intent may be in the ledger
  return admitKind(passage, {
    callId: call.callId,
    keys: known(facts.claims).keys,
    toolKey: answeredKey(facts),
    digest: known(facts.digest),
    worst: oneCall,
  });
};
