import { type ErrorCode, errorCodeOf } from '../../core/errors.ts';
import { modelKey } from '../../core/scope-key.ts';
import { admitKind } from '../call/admit-kind.ts';
import { notConnected, openCall } from '../call/ledger-answer.ts';
import { takePlace } from '../call/take-place.ts';
import { ModelCall } from '../model/model-call.ts';
import { mostSpent } from '../model/usage.ts';
import { type Check, denied, known, type Passage } from '../passage.ts';
import { bearerOf } from './fence.ts';

/**
 * The same one round trip as for a tool call; what is reserved is the most that this call can cost. A connected socket is taken
 * first, so that nothing is reserved for a provider that cannot be reached.
 * rule: admit-checks-stops
 */
export const admitModel: Check = async (passage) => {
  const { host, asked, facts } = passage;
  if (asked.kind !== 'model') return denied('internal');
  const model = known(facts.model);
  const claims = known(facts.claims);
  const worst = { calls: 1, ...mostSpent(known(facts.modelRequest), known(model.price)) };
  facts.worst = worst;
  try {
    await host.models.ready(model);
    facts.provider = host.models.for(model, asked.dialect, asked.headers);
  } catch (thrown) {
    // An address that may not be reached, or a key that cannot be read: for the operator, in a word that holds neither.
    unreachable(passage, errorCodeOf(thrown));
    return denied('provider-unavailable');
  }
  const full = takePlace(passage, facts.provider.url.origin);
  if (full !== undefined) return full;
  const call = openCall(passage, new ModelCall(host.newId('call'), bearerOf(passage)));
  facts.modelCall = call;
  if (!(await takeProviderSocket(passage, call))) return notConnected(call, 'provider-unavailable');
  facts.outcome = 'denied'; // also if the reply is lost: the intent may be in the ledger
  return admitKind(passage, {
    callId: call.callId,
    keys: claims.keys,
    toolKey: modelKey(model.modelId),
    digest: known(facts.digest),
    worst,
  });
};

export async function takeProviderSocket(passage: Passage, call: ModelCall): Promise<boolean> {
  const { facts } = passage;
  if (await call.prepare(known(facts.provider), Buffer.byteLength(known(facts.modelRequest).body))) return true;
  if (call.cutReason === undefined) unreachable(passage, call.trouble);
  return false;
}

function unreachable({ host, facts }: Passage, code: ErrorCode | undefined): void {
  host.log.warn(
    { event: 'model.unreachable', model: known(facts.model).modelId, code },
    'the provider of a model cannot be reached',
  );
}
