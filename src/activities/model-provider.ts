import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ModelSpec } from '../contract/config.ts';
import { traceHeaders } from '../contract/tracing.ts';

export interface ModelProviders {
  /** Made for one call: whoever may use it is said by the token. */
  get(spec: ModelSpec, token: string): LanguageModelV4;
}

/**
 * Models as the gateway serves them: the task's token is the key, so what a task may ask of a model ends with the task. No key of
 * a provider comes into this process.
 */
export function createModelProviders(gatewayUrl: string): ModelProviders {
  const baseURL = new URL('/v1', gatewayUrl).href;
  return {
    get: ({ provider, modelId }, token) => {
      const settings = { baseURL, apiKey: token, headers: { ...traceHeaders() } };
      switch (provider) {
        case 'openai':
          return createOpenAI(settings).chat(modelId);
        case 'anthropic':
          return createAnthropic(settings).languageModel(modelId);
        case 'openai-compatible':
          return createOpenAICompatible({ ...settings, name: modelId }).chatModel(modelId);
        default:
          return provider satisfies never;
      }
    },
  };
}
