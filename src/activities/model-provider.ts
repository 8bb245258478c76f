import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ModelSpec } from '../contract/config.ts';
import { traceHeaders } from '../contract/tracing.ts';

/** Of one configuration after another. */
const maxKept = 100;

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
  // Each one writes and compiles the code that checks its answers, at a millisecond. It is kept without a token: that goes with the call.
  const compatible = new Map<string, LanguageModelV4>();
  const compatibleOf = (modelId: string): LanguageModelV4 => {
    const known = compatible.get(modelId) ?? createOpenAICompatible({ baseURL, name: modelId }).chatModel(modelId);
    if (compatible.size >= maxKept) compatible.clear();
    compatible.set(modelId, known);
    return known;
  };
  return {
    get: ({ provider, modelId }, token) => {
      const headers = traceHeaders();
      switch (provider) {
        case 'openai':
          return { model: createOpenAI({ baseURL, apiKey: token }).chat(modelId), headers };
        case 'anthropic':
          return { model: createAnthropic({ baseURL, apiKey: token }).languageModel(modelId), headers };
        case 'openai-compatible':
          return { model: compatibleOf(modelId), headers: { ...headers, authorization: `Bearer ${token}` } };
        default:
          return provider satisfies never;
      }
    },
  };
}
