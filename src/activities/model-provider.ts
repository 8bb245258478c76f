import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ModelSpec } from '../contract/config.ts';
import { openPost, type Post } from './post.ts';

/** Of one configuration after another. */
const maxKept = 100;
/** As much as the gateway passes on. */
const largestAnswer = 32 * 1024 * 1024;

export interface AskedModel {
  readonly model: LanguageModelV4;
  /** To be sent with the call. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ModelProviders {
  /** For one call: whoever may use it is said by the token. */
  get(spec: ModelSpec, token: string): AskedModel;
}

/**
 * Models as the gateway serves them: the task's token is the key, so what a task may ask of a model ends with the task. No key of
 * a provider comes into this process.
 */
export function createModelProviders(gatewayUrl: string): ModelProviders {
  const baseURL = new URL('/v1', gatewayUrl).href;
  const fetch = fetchOver(openPost(new URL(gatewayUrl), { mostBytes: largestAnswer, idleConnections: 256 }));
  // Each one writes and compiles the code that checks its answers, at a millisecond. It is kept without a token: that goes with the call.
  const compatible = new Map<string, LanguageModelV4>();
  const compatibleOf = (modelId: string): LanguageModelV4 => {
    const known =
      compatible.get(modelId) ?? createOpenAICompatible({ baseURL, name: modelId, fetch }).chatModel(modelId);
    if (compatible.size >= maxKept) compatible.clear();
    compatible.set(modelId, known);
    return known;
  };
  return {
    get: ({ provider, modelId }, token) => {
      switch (provider) {
        case 'openai':
          return { model: createOpenAI({ baseURL, apiKey: token, fetch }).chat(modelId), headers: {} };
        case 'anthropic':
          return { model: createAnthropic({ baseURL, apiKey: token, fetch }).languageModel(modelId), headers: {} };
        case 'openai-compatible':
          return { model: compatibleOf(modelId), headers: { authorization: `Bearer ${token}` } };
        default:
          return provider satisfies never;
      }
    },
  };
}

/** What a model client asks for, of the gateway and nobody else, in the place of the global fetch. */
function fetchOver(post: Post): typeof globalThis.fetch {
  return async (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const { status, headers, bytes } = await post({
      path: `${pathname}${search}`,
      headers: Object.fromEntries(new Headers(init?.headers)),
      body: typeof init?.body === 'string' ? init.body : '',
      signal: init?.signal ?? new AbortController().signal,
    }).catch((cause: unknown) => {
      if (init?.signal?.aborted === true) throw init.signal.reason;
      throw new TypeError('fetch failed', { cause }); // as the global one says it; by this the client knows it
    });
    const shown = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' ? [[name, value]] : [],
    );
    return new Response(bytes.length === 0 ? null : bytes, { status, headers: shown });
  };
}
