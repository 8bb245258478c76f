import type { IncomingMessage } from 'node:http';
import { cutDenial } from '../call/cut-denial.ts';
import type { ClientStream } from '../model/model-client.ts';
import { mediaTypeOf, readAnswer } from '../model/read-answer.ts';
import { holdsKey, relayStream } from '../model/relay-stream.ts';
import { spentOf, type Usage, usageIn, wholeUsage } from '../model/usage.ts';
import { type Check, type Denial, denied, known, type Passage, type Verdict } from '../passage.ts';
import { bearerOf, fenceDenial } from './fence.ts';

const largestAnswer = 32 * 1024 * 1024;
const largestError = 256 * 1024;
const passedOn = ['request-id', 'x-request-id', 'retry-after', 'retry-after-ms'] as const;

/**
 * Third fence. A whole answer goes out in the tick in which it is asked; a stream is asked about again with every piece, and
 * a stop that becomes known in between destroys both of its sockets.
 * rule: fence-before-answer
 */
export const fenceAndRelay: Check = (passage) => {
  const end = known(passage.facts.modelEnd);
  switch (end.kind) {
    case 'cut':
      return cutDenial(end.reason, true);
    case 'lost':
    case 'silent':
      return denied(
        'provider-failed',
        end.kind === 'lost' ? 'it broke the connection off' : 'it did not answer in time',
      );
    case 'answering':
      return answer(passage, end.incoming);
  }
};

async function answer(passage: Passage, incoming: IncomingMessage): Promise<Verdict> {
  const { asked, facts } = passage;
  if (asked.kind !== 'model') return denied('internal');
  const call = known(facts.modelCall);
  const status = incoming.statusCode ?? 0;
  const verdict = await (status < 200 || status >= 300
    ? passError(passage, incoming, status)
    : known(facts.modelRequest).streams
      ? stream(passage, incoming, asked.client)
      : whole(passage, incoming));
  // Whatever was not read to its end is not kept open for another call.
  if (verdict !== undefined) call.hangUp();
  return call.cutReason === undefined ? verdict : cutDenial(call.cutReason, true);
}

/** Nothing was generated, so nothing was spent. What is said of the key is for our log, not for the agent. */
async function passError(passage: Passage, incoming: IncomingMessage, status: number): Promise<Verdict> {
  const { host, facts } = passage;
  const { modelId } = known(facts.model);
  const body = await readAnswer(incoming, { mostBytes: largestError, silenceMs: host.modelSilenceMs });
  facts.outcome = 'failed';
  facts.used = { calls: 1, tokens: 0, microcents: 0 };
  if (status === 401 || status === 403 || status < 400 || body === undefined) {
    host.log.warn({ event: 'model.refused', model: modelId, status }, 'the provider of a model refused our request');
    return denied('provider-refused', `it answered ${status}`);
  }
  const isOurs = mediaTypeOf(incoming) === 'application/json' && !holdsKey(body, known(facts.provider).key);
  const shown = isOurs ? body : Buffer.from(JSON.stringify({ error: { message: `The provider answered ${status}.` } }));
  return deliver(passage, incoming, { status, type: 'application/json', body: shown });
}

async function whole(passage: Passage, incoming: IncomingMessage): Promise<Verdict> {
  const { host, asked, facts } = passage;
  const body = await readAnswer(incoming, { mostBytes: largestAnswer, silenceMs: host.modelSilenceMs });
  const message = mediaTypeOf(incoming) === 'application/json' && body !== undefined ? parse(body) : undefined;
  if (
    asked.kind !== 'model' ||
    body === undefined ||
    message === undefined ||
    holdsKey(body, known(facts.provider).key)
  )
    return denied('provider-failed', 'its answer cannot be read');
  const denial = deliver(passage, incoming, { status: 200, type: 'application/json', body });
  if (denial !== undefined) return denial;
  settleWith(passage, usageIn(asked.dialect.name, message) ?? {});
  return undefined;
}

async function stream(passage: Passage, incoming: IncomingMessage, client: ClientStream): Promise<Verdict> {
  const { host, asked, facts } = passage;
  const encoding = incoming.headers['content-encoding'] ?? 'identity';
  if (asked.kind !== 'model' || mediaTypeOf(incoming) !== 'text/event-stream' || encoding !== 'identity')
    return denied('provider-failed', 'it does not stream');
  const denial = deliver(passage, incoming, { status: 200, type: 'text/event-stream; charset=utf-8' });
  if (denial !== undefined) return denial;
  const call = known(facts.modelCall);
  call.streamsTo(() => client.destroy());
  const bearer = bearerOf(passage);
  const relayed = await relayStream({
    incoming,
    client,
    dialect: asked.dialect.name,
    wantsUsage: known(facts.modelRequest).wantsUsage,
    key: known(facts.provider).key,
    silenceMs: host.modelSilenceMs,
    mayGoOn: () => call.cutReason === undefined && host.fence.check(bearer).kind === 'clear',
  });
  // Half an answer must not look like a whole one.
  if (!relayed.whole) return denied('provider-failed', 'its stream broke off');
  settleWith(passage, relayed.usage);
  client.end();
  return undefined;
}

interface Shown {
  readonly status: number;
  readonly type: string;
  readonly body?: Buffer;
}

/** Asks the fence and writes, in one tick. */
function deliver(passage: Passage, incoming: IncomingMessage, shown: Shown): Denial | undefined {
  const { host } = passage;
  const denial = fenceDenial(host.fence.check(bearerOf(passage)), true);
  if (denial !== undefined) return denial.kind === 'stopped' ? denial : denied('possibly-completed');
  const headers = Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = incoming.headers[name];
      return typeof value === 'string' && !holdsKey(Buffer.from(value), known(passage.facts.provider).key)
        ? [[name, value]]
        : [];
    }),
  );
  passage.deliver({ ...shown, headers });
  return undefined;
}

/** Without numbers that can be counted with, what was reserved stays spent. */
function settleWith({ facts }: Passage, usage: Partial<Usage>): void {
  facts.outcome = 'completed';
  const counted = wholeUsage(usage);
  const price = known(facts.model).price;
  if (counted !== undefined && price !== undefined) facts.used = { calls: 1, ...spentOf(counted, price) };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
