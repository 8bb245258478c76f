import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGatewayClient } from '../../src/activities/gateway-client.ts';
import { createTaskTokens } from '../../src/activities/task-tokens.ts';
import { createCallTool } from '../../src/activities/tool.ts';
import { createToolLists } from '../../src/activities/tool-list.ts';
import { inActivity } from './in-activity.ts';

type Play = (request: IncomingMessage, response: ServerResponse) => void;
const play = (script: Play): Play => script;

/** Answers that the real gateway gives only when something is wrong, or never; and a control that counts its tokens. */
describe('what a gateway answers', () => {
  let answer: Play = () => undefined;
  let expiresInMs = 900_000;
  let tokens = 0;
  let agents: readonly string[] | undefined;
  const asked: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/tokens') === true) {
      tokens += 1;
      json(response, 201, {
        token: agents === undefined ? `token-${tokens}` : tokenOf(agents),
        expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
        taskId: 't',
      });
      return;
    }
    asked.push(request.headers);
    request.resume().on('end', () => answer(request, response));
  });
  let url = '';
  let client: ReturnType<typeof createGatewayClient>;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  });
  afterAll(() => server.close().closeAllConnections());
  beforeEach(() => {
    [tokens, expiresInMs, asked.length, agents] = [0, 900_000, 0, undefined];
    client = createGatewayClient(url, createTaskTokens({ controlUrl: url, workerToken: () => 'w' }));
  });

  const call = (tool = 'billing__list', gateway = client) =>
    inActivity(() =>
      createCallTool(gateway)(
        { taskId: 't', call: { toolCallId: 'c', tool, arguments: {} } },
        new AbortController().signal,
      ),
    );
  const result =
    (value: object): Play =>
    (_request, response) =>
      json(response, 200, { jsonrpc: '2.0', id: 1, result: value });
  const text = (value: string) => ({ content: [{ type: 'text', text: value }] });

  it.each([
    ['an answer', result(text('hello')), { kind: 'answered', text: 'hello', isError: false }],
    ['a tool’s own error', result({ ...text('no'), isError: true }), { kind: 'answered', text: 'no', isError: true }],
    [
      'pictures and structure',
      result({ content: [{ type: 'image', data: 'x' }], structuredContent: { a: 1 } }),
      { kind: 'answered', text: '[image]', isError: false },
    ],
    ['structure alone', result({ structuredContent: { a: 1 } }), { kind: 'answered', text: '{"a":1}', isError: false }],
    [
      'control characters',
      result(text('a\u0000\u001b[2Jb\n')),
      { kind: 'answered', text: 'a  [2Jb\n', isError: false },
    ],
    [
      'what is nested so deep that it cannot be written down',
      (_request, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(`{"jsonrpc":"2.0","id":1,"result":{"structuredContent":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`),
      { kind: 'interrupted' },
    ],
    [
      'what is no result',
      result({ content: 7 }),
      { kind: 'answered', isError: true, text: 'The tool gave an answer that cannot be read.' },
    ],
    [
      'a decision nobody knows',
      result({ ...text('hm'), _meta: { 'estop/decision': 'maybe' } }),
      { kind: 'denied', reason: 'hm' },
    ],
    [
      'a stop',
      result({ ...text(''), _meta: { 'estop/decision': 'stopped', 'estop/stopId': 's' } }),
      { kind: 'stopped', stopId: 's' },
    ],
    [
      'a stop that came after the call was sent',
      result({ ...text(''), _meta: { 'estop/decision': 'stopped', 'estop/reason': 'possibly-completed' } }),
      { kind: 'interrupted' },
    ],
    [
      'an approval without an end',
      result({ ...text(''), _meta: { 'estop/decision': 'needs-approval', 'estop/approvalId': 'a' } }),
      { kind: 'denied', reason: 'It needs an approval that could not be asked for.' },
    ],
    [
      'possibly completed',
      result({ ...text(''), _meta: { 'estop/decision': 'possibly-completed' } }),
      { kind: 'interrupted' },
    ],
    [
      'a JSON-RPC error',
      play((_request, response) =>
        json(response, 200, { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'x' } }),
      ),
      { kind: 'denied', reason: 'The gateway refused the call (200).' },
    ],
    ['502', play((_request, response) => json(response, 502, {})), { kind: 'interrupted' }],
    [
      '503 in the words of a proxy',
      play((_request, response) => response.writeHead(503).end('upstream reset')),
      { kind: 'interrupted' },
    ],
    [
      'a page of HTML',
      play((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>')),
      { kind: 'interrupted' },
    ],
    [
      'an event stream that ends before the answer',
      play((_request, response) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'),
      ),
      { kind: 'interrupted' },
    ],
    ['a closed connection', play((request) => request.socket.destroy()), { kind: 'interrupted' }],
    [
      'half an answer',
      play((request, response) =>
        response.writeHead(200, { 'content-length': '100' }).write('{', () => request.socket.destroy()),
      ),
      { kind: 'interrupted' },
    ],
    [
      'an event stream',
      play((_request, response) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end(
            `event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: {"jsonrpc":"2.0","id":1,\ndata: "result":${JSON.stringify(text('late'))}}\n\n`,
          ),
      ),
      { kind: 'answered', text: 'late', isError: false },
    ],
  ])('as %s becomes one outcome', async (_name, script, outcome) => {
    answer = script;
    expect(await call()).toEqual(outcome);
  });

  it('as too much is cut off', async () => {
    answer = result(text('x'.repeat(200_000)));
    expect(await call()).toMatchObject({
      text: expect.stringMatching(/^x{64000}\n\[cut off: 200000 characters in all\]$/),
    });
  });

  it.each([
    ['no lease', 503, { code: 'no-lease', retryAfterMs: 40 }, { code: 'no-lease', retryAfterMs: 40 }],
    ['too many', 429, {}, { code: 'upstream-unavailable' }],
    ['a hold', 409, { code: 'held' }, { code: 'held' }],
  ])('as %s was never sent, and is tried again by Temporal', async (_name, status, body, thrown) => {
    answer = (_request, response) => json(response, status, body);
    await expect(call()).rejects.toMatchObject(thrown);
  });

  it('not at all, because nobody listens, was never sent either', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const address = closed.address();
    await new Promise((resolve) => closed.close(resolve));
    const nowhere = createGatewayClient(
      `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
      createTaskTokens({ controlUrl: url, workerToken: () => 'w' }),
    );
    await expect(call('billing__list', nowhere)).rejects.toMatchObject({ code: 'upstream-unavailable' });
  });

  it('is asked with one token, which is renewed before it ends, and once more after a 401', async () => {
    answer = result(text('ok'));
    await call();
    await call();
    expect(asked.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-1']);
    answer = (_request, response) => json(response, 401, { code: 'unauthenticated' });
    await expect(call()).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(asked.slice(2).map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    expiresInMs = 60_000;
    answer = result(text('ok'));
    client = createGatewayClient(url, createTaskTokens({ controlUrl: url, workerToken: () => 'w' }));
    await call();
    await call();
    expect(asked.slice(4).map(({ authorization }) => authorization)).toEqual(['Bearer token-3', 'Bearer token-4']);
  });

  it('is not asked at all for a tool that cannot exist', async () => {
    expect(await call('a b\r\nx: y')).toEqual({ kind: 'denied', reason: 'There is no such tool.' });
    expect(asked).toHaveLength(0);
  });

  it('to a question for its tools is kept for a while, and a stop in it is a stop', async () => {
    const lists = createToolLists(client, { line: async (taskId) => taskId });
    const get = (taskId: string) => lists.get(taskId, ['sub-bot'], new AbortController().signal);
    answer = result({ tools: [{ name: 'billing__list', inputSchema: { type: 'object' } }] });
    expect((await get('t')).map(({ name }) => name)).toEqual(['billing__list', 'estop__start_task']);
    await get('t');
    expect(asked).toHaveLength(1);
    answer = (_request, response) =>
      json(response, 200, {
        jsonrpc: '2.0',
        id: 1,
        error: { code: -32001, message: 'x', data: { 'estop/decision': 'stopped' } },
      });
    await expect(get('u')).rejects.toMatchObject({ code: 'stopped' });
  });

  it('to a question for its tools is told for a moment to other tasks of the same agents, and to no others', async () => {
    agents = ['sub-bot'];
    const tokensOfTasks = createTaskTokens({ controlUrl: url, workerToken: () => 'w' });
    const lists = createToolLists(createGatewayClient(url, tokensOfTasks), tokensOfTasks);
    const names = async (taskId: string) =>
      (await lists.get(taskId, [], new AbortController().signal)).map(({ name }) => name);
    answer = result({ tools: [{ name: 'billing__list', inputSchema: { type: 'object' } }] });
    expect(await names('t')).toEqual(['billing__list']);
    answer = result({ tools: [] });
    expect(await names('u')).toEqual(['billing__list']);
    expect(asked).toHaveLength(1);
    agents = ['sub-bot', 'boss-bot'];
    expect(await names('works-for-another')).toEqual([]);
    agents = undefined;
    answer = result({ tools: [{ name: 'billing__pay', inputSchema: { type: 'object' } }] });
    expect(await names('of-whom-nothing-is-known')).toEqual(['billing__pay']);
    const later = Date.now() + 6_000;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => later);
    agents = ['sub-bot'];
    expect(await names('later')).toEqual(['billing__pay']);
    clock.mockRestore();
  });
});

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function tokenOf([agent, ...others]: readonly string[]): string {
  const claims = Buffer.from(JSON.stringify({ agent, agents: [agent, ...others] })).toString('base64url');
  return `e30.${claims}.c2ln`;
}
