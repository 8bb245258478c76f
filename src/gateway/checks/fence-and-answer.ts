import { cutDenial } from '../call/cut-denial.ts';
import type { CallEnd } from '../call/live-call.ts';
import { withoutOurMeta } from '../call/relay.ts';
import { markState } from '../call/servers-state.ts';
import { remember } from '../flow/remember.ts';
import { type Answer, type Check, type Denial, denied, known, type Passage, type Verdict } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';
import { bearerOf, fenceDenial } from './fence.ts';

/**
 * Third fence, and the answer goes out in the same tick. What an upstream said after a stop is not passed on; the call itself
 * was made, so it is never answered as if it could be sent again.
 * rule: fence-before-answer
 */
export const fenceAndAnswerCall: Check = (passage) => {
  const { host, facts } = passage;
  const end = known(facts.end);
  if (end.kind === 'cut') return cutDenial(end.reason, true);
  const reply = end.kind === 'replied' ? end.reply : undefined;
  const answer = answerOf(end, passage);
  // Nothing stands between this look and the answer: a process suspended there would pass it on when it wakes.
  const denial = fenceDenial(host.fence.check(bearerOf(passage)), true);
  if (denial !== undefined) return denial.kind === 'stopped' ? denial : denied('possibly-completed');
  if (reply?.kind === 'error' && passage.client?.endpoint !== undefined) {
    // On the endpoint of one server its refusals are told in its own words; on that of all they read as results of tools.
    facts.outcome = 'failed';
    return tell(passage, { ...reply }, () => passage.deliverError(reply));
  }
  if ('kind' in answer) return answer;
  facts.outcome = answer.settled;
  return tell(passage, answer.result, () => passage.deliver(answer.result));
};

/** The agent cannot call again before this tick has ended: what it was told is remembered by then, also if telling it failed. */
export function tell(passage: Passage, said: Answer, deliver: () => void): undefined {
  try {
    deliver();
  } finally {
    remember(passage, said);
  }
}

/** For everything that was not written to an upstream: a denial here means that nothing was done. */
export const fenceAndAnswer: Check = (passage): Verdict => {
  const denial = fenceDenial(passage.host.fence.check(bearerOf(passage)), false);
  if (denial !== undefined) return denial;
  passage.deliver(known(passage.facts.answer));
  return undefined;
};

/** A handshake tells nothing that a stop protects, and a client that may not even connect cannot be told that it is stopped. */
export const answerSession: Check = (passage: Passage): Verdict => {
  if (passage.asked.kind !== 'session') return denied('internal');
  passage.deliver(passage.asked.result);
  return undefined;
};

type Answered = { readonly result: Answer; readonly settled: 'completed' | 'failed' };

function answerOf(end: Exclude<CallEnd, { kind: 'cut' }>, passage: Passage): Answered | Denial {
  switch (end.kind) {
    case 'lost':
    case 'timed-out':
      return denied('possibly-completed');
    case 'replied':
      break;
  }
  const { reply } = end;
  switch (reply.kind) {
    case 'garbage':
      return denied('possibly-completed', reply.why);
    case 'error':
      return {
        result: {
          content: [{ type: 'text', text: `The tool server refused: ${reply.message.slice(0, 2_000)}` }],
          isError: true,
        },
        settled: 'failed',
      };
    case 'result':
      // Only a client that can be asked, in the revision that has the words for it, is asked by an upstream.
      if (!isComplete(reply.result) && !mayAsk(passage, reply.result))
        return denied('possibly-completed', 'it asked for input');
      return { result: withoutOurWords(passage, reply.result), settled: 'completed' };
  }
}

export function isComplete(result: Answer): boolean {
  return result['resultType'] === undefined || result['resultType'] === 'complete';
}

const capabilityFor: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/** It asks a client that said that it can be asked, and for nothing that it did not say. */
export function mayAsk({ client }: Passage, { resultType, inputRequests }: Answer): boolean {
  if (resultType !== 'input_required' || client?.era !== 'modern' || Object.keys(client.capabilities).length === 0)
    return false;
  return Object.values(isRecord(inputRequests) ? inputRequests : {}).every((request) => {
    const method = isRecord(request) && typeof request['method'] === 'string' ? request['method'] : '';
    const capability = Object.hasOwn(capabilityFor, method) ? capabilityFor[method] : undefined;
    return capability !== undefined && Object.hasOwn(client.capabilities, capability);
  });
}

/** An upstream must not be able to speak as the gate: what begins with `estop/` is ours alone. */
export function withoutOurWords(passage: Passage, result: Answer): Answer {
  const { resultType, ...rest } = withoutOurMeta(result);
  return resultType === 'input_required' ? { ...markState(passage, rest), resultType } : rest;
}
