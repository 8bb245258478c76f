import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { modelKey, taskKey } from '../../../src/core/scope-key.ts';
import { stop } from '../../store/ledger.ts';
import { billingBot, until } from '../rig.ts';
import { ask, type ModelRig, makeModelRig, modelsAt, question, writer } from './model-rig.ts';

/** Each guard was taken out once, and its test failed. */
/** As servers have it that speak the protocol and are not its author's. */
const film = (video_url: unknown) => ({ type: 'video_url', video_url });

describe('a model call is refused, and nothing reaches the provider,', () => {
  let bed: ModelRig;
  let token = '';
  let before = 0;
  beforeAll(async () => {
    bed = await makeModelRig();
    token = await bed.token();
  });
  beforeEach(() => {
    before = bed.provider.asked.length;
  });
  const refused = async (body: unknown, path?: string, key = token) => {
    const answer = await ask(bed, key, body, path);
    expect(bed.provider.asked.length).toBe(before);
    return [answer.status, answer.code];
  };

  it.each([
    ['that estop.yaml does not have', 'other'],
    ['that is not one of this agent', 'secret'],
    ['that speaks another protocol', 'claude'],
  ])('for a model %s', async (_what, model) => {
    expect(await refused({ ...question, model })).toEqual([404, 'model-not-available']);
  });

  it('for a model without a price', async () => {
    expect(await refused({ ...question, model: 'priceless' })).toEqual([403, 'model-without-price']);
  });

  it('without a token, with the key of somebody else, and for an agent without that model', async () => {
    expect(await refused(question, undefined, 'sk-some-key')).toEqual([401, 'unauthenticated']);
    const stranger = await bed.rig.token(await bed.rig.startTask(billingBot));
    expect(await refused(question, undefined, stranger)).toEqual([404, 'model-not-available']);
  });

  it('after a stop of the task, and of the model', async () => {
    const task = await bed.rig.startTask(writer);
    await stop(bed.rig.ledger, taskKey(task.taskId));
    expect(await refused(question, undefined, await bed.rig.token(task))).toEqual([403, 'stopped']);
    const compatible = { ...question, model: 'compatible' };
    await stop(bed.rig.ledger, modelKey('compatible'));
    expect(await refused(compatible, undefined, await bed.token())).toEqual([403, 'stopped']);
  });

  it.each([
    ['runs on after its answer', { background: true }],
    ['stands on what the provider keeps for others too', { previous_response_id: 'resp_1' }],
    ['stands on a stored prompt', { prompt: { id: 'pmpt_1' } }],
    ['lets the provider search', { tools: [{ type: 'web_search' }] }],
    ['lets the provider call a tool server', { tools: [{ type: 'mcp', server_url: 'https://x.example' }] }],
    ['lets it fetch a film', { input: [{ role: 'user', content: [film({ url: 'http://10.0.0.1/' })] }] }],
    ['lets it fetch a film by its plain address', { input: [{ role: 'user', content: [film('http://10.0.0.1/')] }] }],
    [
      'lets the provider fetch',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://x.example/?q=secret' }] }] },
    ],
    ['names a stored file', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] }],
    ['names a stored item', { input: [{ type: 'item_reference', id: 'rs_1' }] }],
    ['has another price', { service_tier: 'priority' }],
  ])('where it %s', async (_what, fields) => {
    const body = { model: 'gpt', input: 'x', ...fields };
    expect(await refused(body, '/v1/responses')).toEqual([400, 'invalid-arguments']);
  });

  it.each([
    ['lets the provider run code', { tools: [{ type: 'code_execution_20250825', name: 'x' }] }],
    ['lets the provider call tool servers', { mcp_servers: [{ type: 'url', url: 'https://x.example', name: 'x' }] }],
    [
      'lets the provider fetch',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://x.example' } }] }] },
    ],
    [
      'hides that in the result of a tool',
      {
        messages: [
          {
            role: 'user',
            content: [
              {
                type: 'tool_result',
                tool_use_id: 't',
                content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }],
              },
            ],
          },
        ],
      },
    ],
  ])('where a message %s', async (_what, fields) => {
    const body = { model: 'claude', max_tokens: 9, messages: [], ...fields };
    expect(await refused(body, '/v1/messages')).toEqual([400, 'invalid-arguments']);
  });

  it('unless estop.yaml names it; and data that only looks like it is passed on', async () => {
    bed.rig.configure((config) => ({
      ...config,
      models: modelsAt(bed.provider.baseUrl).map((model) => ({
        ...model,
        parameters: ['service_tier'],
        providerTools: ['web_search'],
        remoteContent: true,
      })),
    }));
    const image = [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://x.example/a.png' }] }];
    const body = { model: 'gpt', input: image, service_tier: 'priority', tools: [{ type: 'web_search' }] };
    expect((await ask(bed, token, body, '/v1/responses')).status).toBe(200);
    bed.rig.configure((config) => ({ ...config, models: modelsAt(bed.provider.baseUrl) }));
    const used = { type: 'tool_use', id: 't', name: 'fetch', input: { url: 'https://x.example', type: 'odd' } };
    const messages = [{ role: 'assistant', content: [used] }];
    expect((await ask(bed, token, { model: 'claude', max_tokens: 9, messages }, '/v1/messages')).status).toBe(200);
  });

  const hour = { cache_control: { type: 'ephemeral', ttl: '1h' } };
  const text = { type: 'text', text: 'x' };
  const said = (...content: readonly object[]) => ({ messages: [{ role: 'user', content }] });
  it.each([
    ['the whole call', { ...hour, ...said(text) }],
    ['a part', said({ ...text, ...hour })],
    ['a part of a result', said({ type: 'tool_result', tool_use_id: 'a', content: [{ ...text, ...hour }] })],
    ['what stands first', { system: [{ ...text, ...hour }], ...said(text) }],
    ['a tool', { tools: [{ name: 'look', input_schema: { type: 'object' }, ...hour }], ...said(text) }],
    ['a time that nobody knows', said({ ...text, cache_control: { type: 'ephemeral', ttl: '1d' } })],
  ])('where what the provider remembers for an hour has another price: %s', async (_what, fields) => {
    const send = (changes: object) => ask(bed, token, { model: 'claude', max_tokens: 9, ...changes }, '/v1/messages');
    const answer = await send(fields);
    expect([answer.status, answer.code]).toEqual([400, 'invalid-arguments']);
    expect(answer.text).toContain('extended-cache-ttl-2025-04-11');
    expect(bed.provider.asked.length).toBe(before);
    const minutes = JSON.parse(JSON.stringify(fields).replaceAll(/1[hd]/g, '5m')) as object; // JSON of ours
    expect((await send(minutes)).status).toBe(200);
  });

  const toClaude = (betas: string) =>
    ask(bed, token, { model: 'claude', max_tokens: 9, messages: [] }, '/v1/messages', { 'anthropic-beta': betas });

  it.each([
    ['one', 'context-1m-2025-08-07'],
    ['one beside what is named', 'token-efficient-tools-2025-02-19, context-1m-2025-08-07'],
    ['one beside nothing', ',context-1m-2025-08-07,'],
    ['one in other letters', 'Token-Efficient-Tools-2025-02-19'],
  ])('where a beta that nobody named may have another price: %s', async (_what, betas) => {
    bed.rig.configure((config) => ({
      ...config,
      models: modelsAt(bed.provider.baseUrl).map((model) => ({
        ...model,
        betas: ['token-efficient-tools-2025-02-19'],
      })),
    }));
    const answer = await toClaude(betas);
    expect([answer.status, answer.code]).toEqual([400, 'invalid-arguments']);
    expect(answer.text).toContain('estop.yaml may name it under betas of this model');
    expect(bed.provider.asked.length).toBe(before);
    expect((await toClaude(' token-efficient-tools-2025-02-19 ,')).status).toBe(200);
    expect(bed.provider.asked.at(-1)?.headers['anthropic-beta']).toBe('token-efficient-tools-2025-02-19');
    bed.rig.configure((config) => ({ ...config, models: modelsAt(bed.provider.baseUrl) }));
    expect((await toClaude('token-efficient-tools-2025-02-19')).status).toBe(400);
    expect((await toClaude('')).status).toBe(200);
    expect(bed.provider.asked.at(-1)?.headers['anthropic-beta']).toBeUndefined();
  });

  it.each([
    ['names two models', '{"model":"gpt","model":"secret","messages":[]}', 400],
    ['is no object', '[]', 400],
    ['is no JSON', '{"model":', 400],
    ['streams perhaps', '{"model":"gpt","messages":[],"stream":"yes"}', 400],
    ['wants no number of answers', '{"model":"gpt","messages":[],"n":-1}', 400],
    ['bounds its output by less than nothing', '{"model":"gpt","messages":[],"max_tokens":-5}', 400],
    ['is larger than any prompt', `{"model":"gpt","x":"${'x'.repeat(4 * 1024 * 1024)}"}`, 413],
  ])('where the body %s', async (_what, body, status) => {
    expect((await refused(body))[0]).toBe(status);
  });

  it('unless the gateway was told to read larger ones', async () => {
    const lenient = await makeModelRig({ largestPrompt: 8 * 1024 * 1024 });
    const messages = [{ role: 'user', content: 'x'.repeat(5 * 1024 * 1024) }];
    expect((await ask(lenient, await lenient.token(), { ...question, messages })).status).toBe(200);
    expect(await refused({ ...question, messages })).toEqual([413, 'body-too-large']);
  });

  it('where the body cannot be read, and is on record as any refusal is', async () => {
    const task = await bed.rig.startTask(writer);
    const key = await bed.rig.token(task);
    for (const body of ['{"model":"gpt","model":"secret"}', '[]']) await refused(body, undefined, key);
    const counted = async () => {
      const query =
        'SELECT sum(times)::int AS times FROM estop.denials WHERE task_id = $1 AND asked = $2 AND reason = $3';
      return (await bed.rig.ledger.sql(query, [task.taskId, 'model', 'invalid-arguments']))[0]?.['times'];
    };
    await until(async () => (await counted()) === 2);
  });

  it.each([
    ['cloud metadata', 'http://169.254.169.254/v1', 'loopback' as const],
    ['a private network that was not allowed', 'http://10.0.0.1/v1', 'loopback' as const],
    ['this machine without being allowed', 'https://127.0.0.1:1/v1', 'public' as const],
    ['this machine by a name', 'https://localhost:1/v1', 'public' as const],
    ['a public network in the clear', 'http://192.0.2.1/v1', 'public' as const],
  ])('where its provider is said to be at %s', async (_what, baseUrl, network) => {
    bed.rig.configure((config) => ({
      ...config,
      models: modelsAt(baseUrl).map((model) => ({ ...model, network })),
    }));
    const answer = await ask(bed, token, question);
    bed.rig.configure((config) => ({ ...config, models: modelsAt(bed.provider.baseUrl) }));
    expect([answer.status, answer.code]).toEqual([502, 'provider-unavailable']);
    expect(bed.rig.logLines.at(-1)?.fields).toMatchObject({ event: 'model.unreachable', code: 'address-refused' });
  });

  it('and the official clients are told not to try again', async () => {
    const answer = await ask(bed, token, { ...question, model: 'other' });
    expect(answer.headers.get('x-should-retry')).toBe('false');
  });
});
