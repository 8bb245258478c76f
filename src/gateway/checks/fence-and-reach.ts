import { listEverything } from '../call/ask-server.ts';
import { connectReach } from '../call/connect-reach.ts';
import { cutDenial } from '../call/cut-denial.ts';
import type { CallEnd } from '../call/live-call.ts';
import { presentReach } from '../call/present-reach.ts';
import { askedWhile, relayFrom } from '../call/relay.ts';
import { relayChanges } from '../call/relay-changes.ts';
import { isListMethod } from '../mcp/methods.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { bearerOf, fenceDenial } from './fence.ts';
import { isComplete, mayAsk, tell, withoutOurWords } from './fence-and-answer.ts';

/**
 * Second fence of what is no tool call: asked in the tick in which the bytes go to the upstream.
 * rule: fence-before-upstream, check-and-write-one-tick
 */
export const fenceAndReach: Check = async (passage): Promise<Verdict> => {
  const { host, facts, asked } = passage;
  if (known(facts.admitted) !== true || !('method' in asked)) return denied('internal');
  const [reach] = known(facts.reaches);
  if (isListMethod(asked.method)) {
    const end = await listEverything(passage, asked.method, known(facts.reaches));
    if ('kind' in end && end.kind !== 'replied')
      return end.kind === 'cut' ? cutDenial(end.reason, false) : denied('upstream-unavailable');
    facts.end = end;
    return undefined;
  }
  const call = known(facts.call);
  if (!call.isUsable && call.cutReason === undefined) await connectReach(passage, known(reach), call);
  if (call.cutReason !== undefined) return cutDenial(call.cutReason, false);
  if (!call.isUsable) return denied('upstream-unavailable');
  const denial = fenceDenial(host.fence.check(bearerOf(passage)), false);
  if (denial !== undefined) return denial;
  const isListening = reach?.method === 'subscriptions/listen';
  const writing = isListening
    ? call.write(lifeLeft(passage), relayChanges(passage, reach.server.spec.serverId))
    : call.write(host.callTimeoutMs, relayFrom(passage, call), askedWhile(passage));
  facts.outcome = 'possibly-completed';
  passage.client?.sent();
  const { agentId } = known(facts.claims);
  const leave = isListening
    ? reach.server.streams.enter(agentId, () => call.destroy({ kind: 'client-gone' }))
    : () => undefined;
  const end = await writing.finally(leave);
  facts.end = isListening ? endOfStream(end) : end;
  return undefined;
};

/** A stream ends with the token that opened it: whoever goes on listening has to show a new one. */
function lifeLeft({ facts }: Passage): number {
  return Math.max(1, known(facts.claims).expiresAt - Date.now());
}

/** Nothing is lost with a stream that its client closed, or whose time is over. */
function endOfStream(end: CallEnd): CallEnd {
  const isOver = end.kind === 'timed-out' || (end.kind === 'cut' && end.reason.kind === 'client-gone');
  return isOver ? { kind: 'replied', reply: { kind: 'result', result: {} } } : end;
}

/** Third fence, and the answer goes out in the same tick. rule: fence-before-answer */
export const fenceAndAnswerReach: Check = (passage): Verdict => {
  const { host, facts } = passage;
  const end = known(facts.end);
  if (end.kind === 'cut') return cutDenial(end.reason, facts.call !== undefined);
  const denial = fenceDenial(host.fence.check(bearerOf(passage)), facts.call !== undefined);
  if (denial !== undefined) return denial;
  if (end.kind !== 'replied') return denied('possibly-completed');
  const { reply } = end;
  switch (reply.kind) {
    case 'garbage':
      return denied('possibly-completed', reply.why);
    case 'error':
      facts.outcome = 'failed';
      return tell(passage, { ...reply }, () => passage.deliverError(reply));
    case 'result':
      if (!isComplete(reply.result) && !mayAsk(passage, reply.result))
        return denied('possibly-completed', 'it asked for input');
      facts.outcome = 'completed';
      return tell(passage, reply.result, () =>
        passage.deliver(presentReach(passage, withoutOurWords(passage, reply.result))),
      );
  }
};
