import { oneCall } from '../../core/budget.ts';
import { admitKind } from '../call/admit-kind.ts';
import { connectReach, reachParams } from '../call/connect-reach.ts';
import { notConnected, openCall } from '../call/ledger-answer.ts';
import { LiveCall } from '../call/live-call.ts';
import { takePlace } from '../call/take-place.ts';
import { callDigest } from '../json/canonical.ts';
import { isListMethod } from '../mcp/methods.ts';
import { type Check, denied, known, type Verdict } from '../passage.ts';
import { bearerOf, credentialKeys } from './fence.ts';

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
  const full = takePlace(passage, reach.server.place);
  if (full !== undefined) return full;
  const call = openCall(passage, new LiveCall(host.newId('call'), bearerOf(passage)));
  facts.call = call;
  if (!(await connectReach(passage, reach, call))) return notConnected(call, 'upstream-unavailable');
  facts.outcome = 'denied'; // also if the reply is lost: the intent may be in the ledger
  return admitKind(passage, {
    callId: call.callId,
    keys: credentialKeys(claims.keys, facts.credential),
    toolKey: reach.scopeKey,
    digest: callDigest(reach.scopeKey, '', params),
    worst: oneCall,
  });
};
