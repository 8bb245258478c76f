import { cutDenial } from '../call/cut-denial.ts';
import { askedWhile, relayFrom } from '../call/relay.ts';
import { takeSocket } from '../call/take-socket.ts';
import { type Check, denied, known } from '../passage.ts';
import { bearerOf, fenceDenial } from './fence.ts';

/**
 * Second fence, after every wait on the store, and the write to the upstream in the same tick: between the two there is no
 * await, so no stop can become known in between.
 * rule: fence-before-upstream, check-and-write-one-tick
 */
export const fenceAndWrite: Check = async (passage) => {
  const { host, facts } = passage;
  const call = known(facts.call);
  if (known(facts.admitted) !== true) return denied('internal');
  if (!call.isUsable && call.cutReason === undefined) {
    // The upstream closed the idle socket while ADMIT was under way. Nothing was written: another may be taken.
    await takeSocket(passage, call);
  }
  if (call.cutReason !== undefined) return cutDenial(call.cutReason, false);
  if (!call.isUsable) return denied('upstream-unavailable');
  const denial = fenceDenial(host.fence.check(bearerOf(passage)), false);
  if (denial !== undefined) return denial;
  const writing = call.write(host.callTimeoutMs, relayFrom(passage, call), askedWhile(passage));
  facts.outcome = 'possibly-completed';
  passage.client?.sent();
  facts.end = await writing;
  return undefined;
};
