import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TaskStopped } from '../../src/activities/cut-off.ts';
import { createCallModel } from '../../src/activities/model.ts';
import { createModelProviders } from '../../src/activities/model-provider.ts';
import type { ModelMessage } from '../../src/contract/agent-task.ts';
import type { ModelSpec } from '../../src/contract/config.ts';

interface Asked {
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** A gateway reduced to the one HTTP answer of a provider that it passes on; what was asked is kept. */
describe('a model', () => {
  const asked: Asked[] = [];
  let answer = (_response: ServerResponse): void => undefined;
  let token = 'task-token';
  let gatewayUrl = '';
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked.push({ path: request.url, headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
      answer(response);
    });
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    gatewayUrl = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  });
  afterAll(() => server.close().closeAllConnections());

  const messages: readonly ModelMessage[] = [
    { role: 'user', text: 'canary-question' },
    {
      role: 'assistant',
      text: 'wait',
      toolCalls: [{ toolCallId: 'c1', tool: 'billing__list', arguments: { page: 1 } }],
    },
    { role: 'tool', toolCallId: 'c1', tool: 'billing__list', text: 'three', isError: false },
  ];
  const call = (provider: ModelSpec['provider'], signal?: AbortSignal) => {
    const models = [{ modelId: 'm', provider, model: 'some-model' }];
    const providers = createModelProviders(gatewayUrl);
    const tokens = { get: async () => token, forget: () => void (token = 'fresh-token') };
    const config = {
      current: () => ({ environment: 'test', trustDomain: 'x', agents: [], connectors: [], toolServers: [], models }),
    };
    const toolLists = {
      get: async () => [{ type: 'function' as const, name: 'billing__list', inputSchema: { type: 'object' as const } }],
    };
    const callModel = createCallModel({ config, providers, toolLists, tokens });
    return callModel({ taskId: 't', agentId: 'a', modelId: 'm', messages }, signal ?? new AbortController().signal);
  };
  const json = (status: number, body: object) => (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const completion = (message: object, usage?: object) =>
    json(200, {
      id: 'x',
      object: 'chat.completion',
      created: 0,
      model: 'm',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: null, ...message } }],
      usage,
    });
  const toolCall = (input: string) => ({
    tool_calls: [{ id: 'c2', type: 'function', function: { name: 'billing__list', arguments: input } }],
  });

  it.each(['openai-compatible', 'openai'] as const)(
    'of %s is asked by chat completions, with the token of the task, the tools and the whole conversation',
    async (provider) => {
      answer = completion(
        { content: 'hi', ...toolCall('{"page":2}') },
        { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
      );
      expect(await call(provider)).toEqual({
        text: 'hi',
        toolCalls: [{ toolCallId: 'c2', tool: 'billing__list', arguments: { page: 2 } }],
        tokensUsed: 12,
      });
      expect(asked.at(-1)).toMatchObject({
        path: '/v1/chat/completions',
        headers: { authorization: 'Bearer task-token' },
        body: {
          model: 'm',
          tools: [{ function: { name: 'billing__list' } }],
          messages: [
            { role: 'user' },
            { role: 'assistant', tool_calls: [{ id: 'c1' }] },
            { role: 'tool', content: 'three' },
          ],
        },
      });
    },
  );

  it('that says more than a history can hold is heard as far as it fits, and the calls beyond it are not made', async () => {
    const input = JSON.stringify({ note: '\u6f22'.repeat(31_900) });
    const calls = Array.from({ length: 32 }, (_, n) => ({ ...toolCall(input).tool_calls[0], id: `c${n}` }));
    answer = completion({ content: '\u0001\ud800'.repeat(60_000), tool_calls: calls });
    const turn = await call('openai-compatible');
    expect(Buffer.byteLength(JSON.stringify(turn))).toBeLessThan(1_000_000);
    expect(turn.toolCalls).toHaveLength(32);
    expect(turn.toolCalls[0]).toEqual({ toolCallId: 'c0', tool: 'billing__list', arguments: JSON.parse(input) });
    expect(turn.toolCalls[31]).toEqual({ toolCallId: 'c31', tool: 'billing__list', arguments: {}, unreadable: true });
  });

  it('that nests arguments deeper than a gateway takes is not taken at its word: deeper still, the turn could not be written down', async () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    answer = completion(toolCall(nested(64)));
    expect((await call('openai-compatible')).toolCalls).toMatchObject([{ arguments: JSON.parse(nested(64)) }]);
    for (const levels of [65, 3_500, 15_000]) {
      answer = completion(toolCall(nested(levels)));
      expect((await call('openai-compatible')).toolCalls).toMatchObject([{ arguments: {}, unreadable: true }]);
    }
  });

  it('of anthropic is asked by messages', async () => {
    answer = json(200, {
      id: 'x',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [
        { type: 'text', text: 'hi' },
        { type: 'tool_use', id: 'c3', name: 'billing__list', input: { page: 3 } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 4 },
    });
    expect(await call('anthropic')).toEqual({
      text: 'hi',
      toolCalls: [{ toolCallId: 'c3', tool: 'billing__list', arguments: { page: 3 } }],
      tokensUsed: 7,
    });
    expect(asked.at(-1)).toMatchObject({
      path: '/v1/messages',
      headers: { 'x-api-key': 'task-token' },
      body: { model: 'm' },
    });
  });

  it('is asked once more, with a fresh token, where the first one is not taken any longer', async () => {
    answer = (response) =>
      asked.at(-1)?.headers.authorization === 'Bearer task-token'
        ? json(401, { error: { code: 'unauthenticated', message: 'x' } })(response)
        : completion({ content: 'hi' })(response);
    expect((await call('openai-compatible')).text).toBe('hi');
    expect(asked.at(-1)?.headers.authorization).toBe('Bearer fresh-token');
  });

  it.each([
    [403, 'stopped', 'stopped'],
    [403, 'task-held', 'held'],
    [403, 'over-budget', 'limit-exceeded'],
    [404, 'model-not-available', 'config-invalid'],
    [424, 'provider-refused', 'upstream-refused'],
    [503, 'no-lease', 'no-lease'],
  ])('that the gate refuses with %d %s fails as %s', async (status, said, code) => {
    answer = json(status, { error: { code: said, message: 'x', type: said, param: null } });
    await expect(call('openai-compatible')).rejects.toMatchObject({ code });
  });

  it.each([
    ['task', true],
    ['fleet', true],
    ['model', false],
    [undefined, false],
  ])('that a stop of the %s refuses ends the task: %s', async (scope, ends) => {
    answer = json(403, { error: { code: 'stopped', message: 'x', type: 'stopped', param: null, scope } });
    const refusal: unknown = await call('openai-compatible').catch((thrown: unknown) => thrown);
    expect(refusal).toMatchObject({ code: 'stopped' });
    expect(refusal instanceof TaskStopped).toBe(ends);
  });

  it('that two tasks ask at once is asked by each with its own token', async () => {
    const providers = createModelProviders(gatewayUrl);
    answer = completion({ content: 'hi' });
    const spec = { modelId: 'm', provider: 'openai-compatible', model: 'some-model' } as const;
    const options = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'x' }] }] };
    const held = ['one', 'two'].map((each) => providers.get(spec, each));
    await Promise.all(held.map(({ model, headers }) => model.doGenerate({ ...options, headers: { ...headers } })));
    const keys = asked.slice(-2).map(({ headers }) => headers.authorization);
    expect(new Set(keys)).toEqual(new Set(['Bearer one', 'Bearer two']));
  });

  it('that reports no usage does not make the token cap void', async () => {
    answer = completion({ content: 'x'.repeat(4_000) });
    expect((await call('openai-compatible')).tokensUsed).toBeGreaterThan(1_000);
  });

  it.each(['not json', '[1]', '"text"', 'null', `{"a":"${'x'.repeat(40_000)}"}`])(
    'that calls with arguments like %.20s has them marked unreadable',
    async (input) => {
      answer = completion(toolCall(input));
      expect((await call('openai-compatible')).toolCalls).toEqual([
        { toolCallId: 'c2', tool: 'billing__list', arguments: {}, unreadable: true },
      ]);
    },
  );

  it('that says too much is cut off, in text and in calls', async () => {
    answer = completion({
      content: 'x'.repeat(200_000),
      tool_calls: Array.from({ length: 100 }, (_, index) => ({
        id: `c${index}`,
        type: 'function',
        function: { name: 'y'.repeat(500), arguments: '' },
      })),
    });
    const { text, toolCalls } = await call('openai-compatible');
    expect([text.length, toolCalls.length, toolCalls[0]?.tool.length]).toEqual([100_000, 32, 200]);
  });

  it.each([
    [400, 'invalid-input'],
    [401, 'upstream-refused'],
    [403, 'upstream-refused'],
    [429, 'upstream-unavailable'],
    [500, 'upstream-unavailable'],
    [529, 'upstream-unavailable'],
  ])('that answers %d fails as %s, and says nothing of what was asked', async (status, code) => {
    answer = json(status, { error: { message: 'canary-question is bad', type: 'x', param: null, code: null } });
    const error: unknown = await call('openai-compatible').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('canary');
  });

  it('that answers with garbage fails as refused', async () => {
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": canary');
    await expect(call('openai-compatible')).rejects.toMatchObject({ code: 'upstream-refused' });
  });

  it('is hung up on when the task is killed', async () => {
    const controller = new AbortController();
    const before = asked.length;
    const closed = new Promise(
      (resolve) => (answer = (response) => void response.on('close', () => resolve(response.writableFinished))),
    );
    const pending = call('openai-compatible', controller.signal).catch(() => 'aborted');
    await expect.poll(() => asked.length).toBeGreaterThan(before);
    controller.abort();
    expect(await pending).toBe('aborted');
    expect(await closed).toBe(false);
  });
});
