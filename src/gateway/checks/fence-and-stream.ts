import { type Check, denied, known } from '../passage.ts';
import { bearerOf } from './fence.ts';
import { fenceAndAnswer } from './fence-and-answer.ts';

/**
 * A stream that stays open is cut at a stop like a call, and ends with the token that opened it: whoever goes on reading has to
 * show a new one. rule: destroy-in-flight
 */
export const fenceAndStream: Check = (passage) => {
  const { host, facts, asked, client } = passage;
  if (asked.kind !== 'stream' || client?.session === undefined) return denied('session-needed');
  const callId = host.newId('call');
  const { hangUp } = client;
  const timer = setTimeout(hangUp, Math.max(0, known(facts.claims).expiresAt - Date.now()));
  timer.unref();
  host.openCalls.add({
    callId,
    bearer: bearerOf(passage),
    isBackground: true,
    isWritten: () => false,
    destroy: hangUp,
  });
  passage.onClientGone(() => {
    clearTimeout(timer);
    host.openCalls.remove(callId);
  });
  facts.answer = {};
  return fenceAndAnswer(passage);
};
