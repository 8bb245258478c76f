import type { IncomingMessage, ServerResponse } from 'node:http';
import { pass } from '../gate.ts';
import type { Answer, Asked, Denial, GateHost } from '../passage.ts';

interface Exchange {
  readonly host: GateHost;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly asked: Asked;
  /** Where a client may put its token elsewhere than into the header of that name. */
  readonly authorization?: string | undefined;
  /** Writes an answer that the gate let out. */
  readonly answer: (answer: Answer) => void;
  readonly deny: (denial: Denial) => void;
}

/** One request through the gate, and exactly one reply. */
export async function exchange({
  host,
  request,
  response,
  asked,
  authorization,
  answer,
  deny,
}: Exchange): Promise<void> {
  let delivered = false;
  const gone: (() => void)[] = [];
  response.once('close', () => {
    if (!response.writableFinished) for (const listener of gone) listener();
  });
  const denial = await pass({
    host,
    asked,
    authorization: authorization ?? request.headers.authorization,
    facts: {},
    deliver: (value) => {
      delivered = true;
      answer(value);
    },
    onClientGone: (listener) => {
      gone.push(listener);
      if (response.destroyed) listener();
    },
  });
  if (denial !== undefined && !delivered) return deny(denial);
  // A column without a step that answers, or an answer that failed half way: never silence.
  if (!delivered) deny({ kind: 'denied', reason: 'internal' });
}
