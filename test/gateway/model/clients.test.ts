import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { generateText, jsonSchema, type LanguageModel, streamText, type ToolSet, tool } from 'ai';
import OpenAI from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ModelRig, makeModelRig, providerKey } from './model-rig.ts';

/** As the provider wrote it, spaces and all. */
const argumentsAsWritten = '{"city":"Zürich", "n": 1.50}';
const weather = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const }, n: { type: 'number' as const } },
};
const tools: ToolSet = { weather: tool({ inputSchema: jsonSchema<{ city: string }>(weather) }) };
const user = { role: 'user' as const, content: 'Wie ist das Wetter?' };

describe('a client whose key is its task token', () => {
  let bed: ModelRig;
  let openai: OpenAI;
  let anthropic: Anthropic;
  beforeAll(async () => {
    bed = await makeModelRig();
    openai = new OpenAI({ apiKey: await bed.token(), baseURL: `${bed.gateway.url}/v1`, maxRetries: 0 });
    anthropic = new Anthropic({ apiKey: await bed.token(), baseURL: bed.gateway.url, maxRetries: 0 });
  });
  const last = () => bed.provider.asked.at(-1);

  it('of OpenAI gets a chat completion, and the provider gets its own key and its own name of the model', async () => {
    const completion = await openai.chat.completions.create({
      model: 'gpt',
      messages: [user],
      tools: [{ type: 'function', function: { name: 'weather', parameters: weather } }],
    });
    expect(completion.choices[0]?.message).toMatchObject({
      content: 'Grüezi',
      tool_calls: [{ id: 'call_1', function: { name: 'weather', arguments: argumentsAsWritten } }],
    });
    expect(last()).toMatchObject({
      headers: { authorization: `Bearer ${providerKey}` },
      body: { model: 'real-model', messages: [user] },
    });
  });

  it('of OpenAI streams a chat completion and sees no usage that it did not ask for', async () => {
    const stream = await openai.chat.completions.create({ model: 'gpt', messages: [user], stream: true });
    const chunks = await collect(stream);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Grüezi');
    const pieces = chunks.map(({ choices }) => choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '');
    expect(pieces.join('')).toBe(argumentsAsWritten);
    expect(chunks.filter((chunk) => 'usage' in chunk || chunk.choices.length === 0)).toEqual([]);
    expect(last()?.body['stream_options']).toEqual({ include_usage: true });
  });

  it('of OpenAI that asks for usage in its stream gets it', async () => {
    const chunks = await collect(
      await openai.chat.completions.create({
        model: 'compatible',
        messages: [user],
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 100, completion_tokens: 20 });
  });

  it('of OpenAI gets a response, whole and streamed', async () => {
    const whole = await openai.responses.create({ model: 'gpt', input: 'Wie ist das Wetter?' });
    expect(whole.output_text).toBe('Grüezi');
    const stream = openai.responses.stream({ model: 'gpt', input: 'Wie ist das Wetter?' });
    const final = await stream.finalResponse();
    expect([final.output_text, final.usage?.total_tokens]).toEqual(['Grüezi', 120]);
    expect(final.output[1]).toMatchObject({ type: 'function_call', arguments: argumentsAsWritten });
    expect(last()).toMatchObject({ path: '/v1/responses', body: { model: 'real-model' } });
  });

  it('of Anthropic gets a message, whole and streamed', async () => {
    const asked = { model: 'claude', max_tokens: 100, messages: [user] };
    const whole = await anthropic.messages.create(asked);
    expect(whole.content).toEqual([
      { type: 'text', text: 'Grüezi' },
      { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Zürich', n: 1.5 } },
    ]);
    const streamed = await anthropic.messages.stream(asked).finalMessage();
    expect(streamed.content).toMatchObject(whole.content);
    expect(streamed.usage).toMatchObject({ input_tokens: 60, output_tokens: 20 });
    expect(last()?.headers).toMatchObject({ 'x-api-key': providerKey, 'anthropic-version': expect.any(String) });
    expect(last()?.headers.authorization).toBeUndefined();
  });

  const viaAiSdk: readonly [string, (url: string, apiKey: string) => LanguageModel][] = [
    ['chat of OpenAI', (url, apiKey) => createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat('gpt')],
    ['responses of OpenAI', (url, apiKey) => createOpenAI({ baseURL: `${url}/v1`, apiKey }).responses('gpt')],
    ['Anthropic', (url, apiKey) => createAnthropic({ baseURL: `${url}/v1`, apiKey })('claude')],
    [
      'what is compatible',
      (url, apiKey) =>
        createOpenAICompatible({ baseURL: `${url}/v1`, apiKey, name: 'x', includeUsage: true })('compatible'),
    ],
  ];
  it.each(viaAiSdk)('of the AI SDK for %s gets text, tool calls and usage, whole and streamed', async (_name, make) => {
    const asked = {
      model: make(bed.gateway.url, await bed.token()),
      prompt: 'Wie ist das Wetter?',
      tools,
      maxRetries: 0,
    };
    const whole = await generateText(asked);
    expect([whole.text, whole.toolCalls[0]?.input]).toEqual(['Grüezi', { city: 'Zürich', n: 1.5 }]);
    expect(whole.usage.outputTokens).toBe(20);
    const streamed = streamText(asked);
    expect(await streamed.text).toBe('Grüezi');
    expect((await streamed.toolCalls)[0]?.input).toEqual({ city: 'Zürich', n: 1.5 });
    expect((await streamed.usage).outputTokens).toBe(20);
  });

  it('is shown the models that it may use and that have a price, and no others', async () => {
    const ids = (await collect(await openai.models.list())).map(({ id }) => id);
    expect(ids).toEqual(['gpt', 'claude', 'compatible']);
    expect((await collect(await anthropic.models.list())).map(({ id }) => id)).toEqual(ids);
  });

  it('never sees the key of the provider, nor does a log', async () => {
    const raw = await fetch(`${bed.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await bed.token()}` },
      body: JSON.stringify({ model: 'gpt', messages: [user] }),
    });
    const seen = JSON.stringify([[...raw.headers], await raw.text(), bed.rig.logLines]);
    expect(seen).toContain('Gr');
    expect(seen).not.toContain(providerKey);
  });
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
