import type { ServerResponse } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { until } from '../rig.ts';
import {
  ask,
  costOf,
  type ModelRig,
  makeModelRig,
  price,
  providerKey,
  question,
  startWriter,
  streamed,
  writer,
} from './model-rig.ts';
import { saying as chunk, eventStream, sendJson } from './protocol-server.ts';

const silenceMs = 400;

describe('a provider', () => {
  let bed: ModelRig;
  beforeAll(async () => {
    bed = await makeModelRig({ modelSilenceMs: silenceMs });
  });
  afterEach(() => bed.provider.misbehave(undefined));

  const settled = (task: TaskRecord) => costOf(bed, task);
  const started = () => startWriter(bed);
  const asked = async (body: unknown, path?: string) => {
    const { task, token } = await started();
    return { task, answer: await ask(bed, token, body, path) };
  };

  it.each([
    ['chat/completions', question, '/v1/chat/completions', 120, 60 * price.input + 40 * price.cachedInput],
    ['a stream of it', streamed, '/v1/chat/completions', 120, 60 * price.input + 40 * price.cachedInput],
    ['responses', { model: 'gpt', input: 'x' }, '/v1/responses', 120, 60 * price.input + 40 * price.cachedInput],
    [
      'a stream of them',
      { model: 'gpt', input: 'x', stream: true },
      '/v1/responses',
      120,
      60 * price.input + 40 * price.cachedInput,
    ],
    [
      'messages',
      { model: 'claude', max_tokens: 50, messages: [] },
      '/v1/messages',
      130,
      60 * price.input + 40 * price.cachedInput + 10 * price.cacheWrite,
    ],
    [
      'a stream of such',
      { model: 'claude', max_tokens: 50, messages: [], stream: true },
      '/v1/messages',
      130,
      60 * price.input + 40 * price.cachedInput + 10 * price.cacheWrite,
    ],
  ])('of %s is paid what it says it used', async (_what, body, path, tokens, inputCost) => {
    const { task, answer } = await asked(body, path);
    expect(answer.status).toBe(200);
    expect(await settled(task)).toEqual({
      outcome: 'completed',
      toolKey: `model:${body.model}`,
      calls: 1,
      tokens,
      microcents: inputCost + 20 * price.output,
    });
  });

  it.each([
    ['says nothing of what it used', undefined],
    ['says that it used less than nothing', { prompt_tokens: -1_000, completion_tokens: 5 }],
    ['takes back with one number what the other says', { prompt_tokens: 1_000, completion_tokens: -190 }],
    ['gives half a token', { prompt_tokens: 1.5, completion_tokens: 5 }],
    ['gives words for numbers', { prompt_tokens: '1', completion_tokens: '2' }],
    ['gives more than any model takes', { prompt_tokens: 1e15, completion_tokens: 2 }],
  ])('that %s costs the most that the call can have cost', async (_what, usage) => {
    bed.provider.misbehave((response) => sendJson(response, 200, { choices: [], usage }));
    const { task } = await asked({ ...question, max_tokens: 100 });
    const { outcome, tokens = 0, microcents = 0 } = await settled(task);
    expect(outcome).toBe('completed');
    expect([tokens > 1_000, microcents > 100 * price.output]).toEqual([true, true]);
  });

  const claude = { model: 'claude', max_tokens: 50, messages: [], stream: true };
  const begun = sse({ type: 'message_start', message: { usage: { input_tokens: 60, output_tokens: 1 } } });
  const stop = sse({ type: 'message_stop' });
  const responses = { model: 'gpt', input: 'x', max_output_tokens: 50, stream: true };
  const nothingYet = { status: 'in_progress', usage: { input_tokens: 0, output_tokens: 0 } };
  const failed = sse({ type: 'response.failed', response: { status: 'failed', usage: null } });
  const chat = { ...streamed, max_tokens: 50, stream_options: { include_usage: true } };
  const onTheWay = sse({ choices: [{ finish_reason: null }], usage: { prompt_tokens: 0, completion_tokens: 0 } });
  it.each([
    ['messages', 'nothing more', claude, [begun, stop]],
    ['messages', 'an error', claude, [begun, sse({ type: 'error', error: { type: 'overloaded_error' } })]],
    [
      'messages',
      'what is no count',
      claude,
      [begun, sse({ type: 'message_delta', usage: { output_tokens: -5 } }), stop],
    ],
    ['responses', 'a failure', responses, [sse({ type: 'response.created', response: nothingYet }), failed]],
    ['chat/completions', 'its last word', chat, [onTheWay, 'data: [DONE]\n\n']],
  ])(
    'whose stream of %s counts at its beginning and says %s at its end costs the most',
    async (path, _end, body, said) => {
      bed.provider.misbehave((response) => response.writeHead(200, eventStream).end(said.join('')));
      const { task, answer } = await asked(body, `/v1/${path}`);
      expect(answer.text).toBe(said.join(''));
      const { outcome, tokens = 0, microcents = 0 } = await settled(task);
      expect([outcome, tokens > 1_000, microcents > 50 * price.output]).toEqual(['completed', true, true]);
    },
  );

  it('that refuses a request costs nothing, and its sentence is passed on', async () => {
    bed.provider.misbehave((response) => sendJson(response, 400, { error: { message: 'no such option' } }));
    const { task, answer } = await asked(question);
    expect([answer.status, answer.text]).toEqual([400, '{"error":{"message":"no such option"}}']);
    expect(await settled(task)).toMatchObject({ outcome: 'failed', tokens: 0, microcents: 0 });
  });

  it.each([401, 403])('that refuses our key with %d has its words kept from the agent', async (status) => {
    bed.provider.misbehave((response) => sendJson(response, status, { error: { message: `bad key ${providerKey}` } }));
    const { answer } = await asked(question);
    expect([answer.status, answer.code]).toEqual([424, 'provider-refused']);
    expect(answer.text).not.toContain('bad key');
  });

  it('that gives our key away, in an error, an answer, a header or a stream, does not give it to the agent', async () => {
    const tellers: readonly ((response: ServerResponse) => void)[] = [
      (response) => sendJson(response, 429, { error: { message: providerKey } }),
      (response) => sendJson(response, 200, { choices: [{ message: { content: providerKey } }] }),
      (response) => {
        response.setHeader('request-id', providerKey);
        sendJson(response, 200, { choices: [] });
      },
      (response) => response.writeHead(200, eventStream).end(`${chunk('a')}${chunk(providerKey)}data: [DONE]\n\n`),
    ];
    for (const teller of tellers) {
      bed.provider.misbehave(teller);
      const { token } = await started();
      for (const body of [question, streamed]) {
        const seen = await ask(bed, token, body).then(
          ({ text, headers }) => `${text} ${JSON.stringify([...headers])}`,
          () => 'cut',
        );
        expect(seen).not.toContain(providerKey);
      }
    }
    expect(JSON.stringify(bed.rig.logLines)).not.toContain(providerKey);
    const rows = await bed.rig.ledger.sql('SELECT row_to_json(c)::text AS row FROM estop.calls c', []);
    expect(JSON.stringify(rows)).not.toContain(providerKey);
  });

  it.each(['https://127.0.0.1:9/', 'http://169.254.169.254/latest/meta-data'])(
    'that redirects to %s is not followed',
    async (location) => {
      bed.provider.misbehave((response) => response.writeHead(307, { location }).end());
      const before = bed.provider.asked.length;
      const { answer } = await asked(question);
      expect([answer.status, answer.code]).toEqual([424, 'provider-refused']);
      expect(answer.headers.get('location')).toBeNull();
      expect(bed.provider.asked.length).toBe(before + 1);
    },
  );

  it.each([
    [
      'answers with a page',
      (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    [
      'answers with half of a JSON',
      (response: ServerResponse) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":'),
    ],
    [
      'says that more is coming than comes',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{}');
        response.destroy();
      },
    ],
    [
      'compresses what nobody asked to be',
      (response: ServerResponse) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('{}'),
    ],
    ['hangs up at once', (response: ServerResponse) => void response.destroy()],
    ['never says a word', () => undefined],
    [
      'says only that it will answer',
      (response: ServerResponse) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders(),
    ],
    [
      'stops in the middle of a word',
      (response: ServerResponse) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).write('{"choices":'),
    ],
    [
      'streams to who did not ask for it',
      (response: ServerResponse) => response.writeHead(200, eventStream).end(chunk('x')),
    ],
  ])('that %s is refused, and may have cost the most', async (_what, misbehaviour) => {
    bed.provider.misbehave(misbehaviour);
    const { task, answer } = await asked(question);
    expect([answer.status, answer.code]).toEqual([424, 'provider-failed']);
    const { outcome, tokens = 0 } = await settled(task);
    expect([outcome, tokens > 1_000]).toEqual(['possibly-completed', true]);
  });

  it.each([
    ['breaks off', (response: ServerResponse) => response.destroy()],
    ['falls silent', () => undefined],
    ['begins an event that never ends', (response: ServerResponse) => flood(response, 'x'.repeat(64 * 1024))],
    ['sends a gigabyte', (response: ServerResponse) => flood(response, chunk('x'.repeat(64 * 1024)))],
  ])('whose stream %s is hung up on, and half an answer does not look whole', async (_what, then) => {
    let sent = 0;
    bed.provider.misbehave((response) => {
      response.on('close', () => {
        sent = response.socket?.bytesWritten ?? sent;
      });
      response.writeHead(200, eventStream).write(chunk('half'));
      setTimeout(() => then(response), 20);
    });
    const cut = bed.provider.cut();
    const { task, token } = await started();
    await expect(ask(bed, token, streamed)).rejects.toThrow();
    await until(() => bed.provider.cut() > cut);
    expect((await settled(task)).outcome).toBe('possibly-completed');
    expect(sent).toBeLessThan(400 * 1024 * 1024);
  });

  it('whose stream ends as if it were whole, and is not, breaks off for the client as well', async () => {
    bed.provider.misbehave((response) => response.writeHead(200, eventStream).end(chunk('half')));
    const { task, token } = await started();
    await expect(ask(bed, token, streamed)).rejects.toThrow();
    expect((await settled(task)).outcome).toBe('possibly-completed');
  });

  it('that sends a gigabyte at once is hung up on', async () => {
    let sent = Number.POSITIVE_INFINITY;
    bed.provider.misbehave((response) => {
      const { socket } = response;
      response.on('close', () => {
        sent = socket?.bytesWritten ?? sent;
      });
      response.writeHead(200, { 'content-type': 'application/json' });
      flood(response, 'x'.repeat(64 * 1024));
    });
    const { answer } = await asked(question);
    expect(answer.code).toBe('provider-failed');
    await until(() => sent < Number.POSITIVE_INFINITY);
    expect(sent).toBeLessThan(200 * 1024 * 1024);
  });

  it('of a budget of ten is asked ten times by fifty calls at once', async () => {
    const before = bed.provider.asked.length;
    const spender = { ...writer, agentId: 'spender', budgets: { agent: { calls: 10 } } };
    await bed.addAgent(spender);
    const token = await bed.rig.token(await bed.rig.startTask(spender));
    const codes = (await Promise.all(Array.from({ length: 50 }, () => ask(bed, token, question)))).map(
      ({ code }) => code,
    );
    expect(codes.filter((code) => code === 'over-budget').length).toBe(40);
    expect(bed.provider.asked.length).toBe(before + 10);
  });

  it('is not asked at all if the call could cost more than is left', async () => {
    const before = bed.provider.asked.length;
    const poor = { ...writer, agentId: 'poor', budgets: { task: { microcents: 1_000 } } };
    await bed.addAgent(poor);
    const token = await bed.rig.token(await bed.rig.startTask(poor));
    const answer = await ask(bed, token, { ...question, max_tokens: 1 });
    expect([answer.status, answer.code]).toEqual([403, 'over-budget']);
    expect(bed.provider.asked.length).toBe(before);
  });
});

const sse = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;

/** Until its reader hangs up, or a gigabyte is out. */
function flood(response: ServerResponse, piece: string): void {
  let left = 1024 * 1024 * 1024;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= piece.length;
      if (!response.write(piece)) return void response.once('drain', more);
    }
    if (!response.destroyed) response.end();
  };
  more();
}
