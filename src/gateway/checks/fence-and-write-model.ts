import { cutDenial } from '../call/cut-denial.ts';
import { type Check, denied, known } from '../passage.ts';
import { takeProviderSocket } from './admit-model.ts';
import { bearerOf, fenceDenial } from './fence.ts';

/** Second fence, and the write to the provider in the same tick. rule: fence-before-upstream, check-and-write-one-tick */
export const fenceAndWriteModel: Check = async (passage) => {
  const { host, facts } = passage;
  const call = known(facts.modelCall);
  if (known(facts.admitted) !== true) return denied('internal');
  if (!call.isUsable && call.cutReason === undefined) await takeProviderSocket(passage, call);
  if (call.cutReason !== undefined) return cutDenial(call.cutReason, false);
  if (!call.isUsable) return denied('provider-unavailable');
  const denial = fenceDenial(host.fence.check(bearerOf(passage)), false);
  if (denial !== undefined) return denial;
  const writing = call.write(known(facts.modelRequest).body, host.modelSilenceMs);
  facts.outcome = 'possibly-completed';
  facts.modelEnd = await writing;
  return undefined;
};
