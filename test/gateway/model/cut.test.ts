import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import OpenAI from 'openai';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { modelKey, taskKey } from '../../../src/core/scope-key.ts';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { stop } from '../../store/ledger.ts';
import { until, untilFenced } from '../rig.ts';
import { ask, costOf, type ModelRig, makeModelRig, question, startWriter, streamed } from './model-rig.ts';
import { saying as chunk, eventStream } from './protocol-server.ts';

describe('a model that is answering', () => {
  let bed: ModelRig;
  beforeAll(async () => {
    bed = await makeModelRig();
  });
  afterEach(() => bed.provider.misbehave(undefined));
  const settled = (task: TaskRecord) => costOf(bed, task);
  const started = () => startWriter(bed);

  it('is hung up on in mid-stream by a stop, and so is the client, before the stop is fenced', async () => {
    let provider: ServerResponse | undefined;
    bed.provider.misbehave((response) => {
      provider = response;
      response.writeHead(200, eventStream).write(chunk('half'));
    });
    const { task, token } = await started();
    const openai = new OpenAI({ apiKey: token, baseURL: `${bed.gateway.url}/v1`, maxRetries: 0 });
    const stream = await openai.chat.completions.create({ model: 'gpt', messages: [], stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    expect((await chunks.next()).value?.choices[0]?.delta.content).toBe('half');
    const talking = setInterval(() => provider?.write(chunk('more')), 20);
    const closed = once(provider as ServerResponse, 'close'); // it has answered
    const { stopId } = await stop(bed.rig.ledger, taskKey(task.taskId));
    const drained = (async () => {
      for (;;) if ((await chunks.next()).done === true) return 'a whole answer';
    })();
    await expect(drained).rejects.toThrow();
    await closed;
    clearInterval(talking);
    await untilFenced(bed.rig, stopId);
    expect((await settled(task)).outcome).toBe('possibly-completed');
    expect((await ask(bed, token, question)).code).toBe('stopped');
  });

  it('is hung up on in mid-stream by a stop of the model itself', async () => {
    bed.provider.misbehave((response) => void response.writeHead(200, eventStream).write(chunk('half')));
    const { token } = await started();
    const openai = new OpenAI({ apiKey: token, baseURL: `${bed.gateway.url}/v1`, maxRetries: 0 });
    const stream = await openai.chat.completions.create({ model: 'compatible', messages: [], stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    await stop(bed.rig.ledger, modelKey('compatible'));
    await expect(chunks.next()).rejects.toThrow();
  });

  it('is hung up on by a stop while it thinks, and the client is told why', async () => {
    let thinking: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (thinking = resolve));
    bed.provider.misbehave(() => thinking?.());
    const { task, token } = await started();
    const cut = bed.provider.cut();
    const pending = ask(bed, token, question);
    await arrived;
    await stop(bed.rig.ledger, taskKey(task.taskId));
    const { code, text } = await pending;
    expect(code).toBe('stopped');
    // Not a model alone.
    expect(JSON.parse(text)).toMatchObject({ error: { scope: 'task' } });
    await until(() => bed.provider.cut() > cut);
  });

  it('is hung up on when the client goes away', async () => {
    bed.provider.misbehave((response) => void response.writeHead(200, eventStream).write(chunk('half')));
    const { task, token } = await started();
    const cut = bed.provider.cut();
    const openai = new OpenAI({ apiKey: token, baseURL: `${bed.gateway.url}/v1`, maxRetries: 0 });
    const stream = await openai.chat.completions.create({ model: 'gpt', messages: [], stream: true });
    await stream[Symbol.asyncIterator]().next();
    stream.controller.abort();
    await until(() => bed.provider.cut() > cut);
    expect((await settled(task)).outcome).toBe('possibly-completed');
  });

  it('is hung up on in mid-stream when the gateway can no longer learn of stops', async () => {
    bed.provider.misbehave((response) => {
      response.writeHead(200, eventStream).write(chunk('half'));
      const talking = setInterval(() => response.write(chunk('more')), 50);
      response.on('close', () => clearInterval(talking));
    });
    const { token } = await started();
    const pending = ask(bed, token, streamed);
    bed.rig.heart.beating = false;
    await expect(pending).rejects.toThrow();
    bed.rig.heart.beating = true;
  });
});
