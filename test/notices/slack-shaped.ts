import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll } from 'vitest';

export interface ShapedMessage {
  readonly ts: string;
  readonly channel: string;
  readonly thread?: string;
  text: string;
  blocks: readonly unknown[];
  metadata: unknown;
  updates: number;
}

export interface SlackShaped {
  readonly baseUrl: string;
  readonly messages: readonly ShapedMessage[];
  /** Swallows the answer to the next post after having made the message, as a crash in between would look like. */
  loseNextAnswer(): void;
  refuseNext(error: string): void;
}

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers.splice(0)) close();
});

/**
 * NOT Slack: a server of ours in the shape of the three methods of Slack's Web API that are used, as docs.slack.dev describes them.
 * It says nothing about what the real one does.
 */
export async function startSlackShaped(token: string): Promise<SlackShaped> {
  const messages: ShapedMessage[] = [];
  let isLosing = false;
  let refusal: string | undefined;
  const answer = (response: ServerResponse, body: object): void => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const methods: Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => object>> = {
    '/api/chat.postMessage': (body) => {
      const ts = `1700000000.${String(messages.length + 1).padStart(6, '0')}`;
      messages.push({
        ts,
        channel: String(body['channel']),
        ...(typeof body['thread_ts'] === 'string' ? { thread: body['thread_ts'] } : {}),
        text: String(body['text']),
        blocks: (body['blocks'] as readonly unknown[] | undefined) ?? [], // our own
        metadata: body['metadata'],
        updates: 0,
      });
      return { ok: true, ts, channel: body['channel'] };
    },
    '/api/chat.update': (body) => {
      const message = messages.find(({ ts }) => ts === body['ts']);
      if (message === undefined) return { ok: false, error: 'message_not_found' };
      message.text = String(body['text']);
      message.blocks = body['blocks'] as readonly unknown[]; // our own
      message.updates += 1;
      return { ok: true, ts: message.ts };
    },
    '/api/conversations.history': () => ({ ok: true, messages: messages.toReversed() }),
  };
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const method = methods[request.url ?? ''];
      if (method === undefined) return response.writeHead(404).end();
      if (request.headers.authorization !== `Bearer ${token}`)
        return answer(response, { ok: false, error: 'invalid_auth' });
      if (refusal !== undefined) {
        const error = refusal;
        refusal = undefined;
        return answer(response, { ok: false, error });
      }
      const result = method(body);
      if (isLosing && request.url === '/api/chat.postMessage') {
        isLosing = false;
        return response.destroy();
      }
      return answer(response, result);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    baseUrl: `http://127.0.0.1:${port}/api`,
    messages,
    loseNextAnswer: () => void (isLosing = true),
    refuseNext: (error) => void (refusal = error),
  };
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer); // no encoding was set
  const text = Buffer.concat(pieces).toString('utf8');
  if (request.headers['content-type']?.startsWith('application/json') === true)
    return JSON.parse(text) as Readonly<Record<string, unknown>>; // our own bodies
  return Object.fromEntries(new URLSearchParams(text));
}
