import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ModelSpec, SecretAt } from '../contract/config.ts';
import { EstopError } from '../core/errors.ts';

export interface ModelProviders {
  get(spec: ModelSpec): LanguageModelV4;
}

/** Built when first asked for and again when its configuration or its key changes, so that a rotated key needs no restart. */
export function createModelProviders(readSecret: (reference: SecretAt) => string): ModelProviders {
  const held = new Map<string, { readonly made: string; readonly model: LanguageModelV4 }>();
  return {
    get: (spec) => {
      const apiKey = spec.apiKey === undefined ? undefined : readSecret(spec.apiKey);
      const made = JSON.stringify([spec, apiKey]);
      const known = held.get(spec.modelId);
      if (known?.made === made) return known.model;
      const model = build(spec, apiKey);
      held.set(spec.modelId, { made, model });
      return model;
    },
  };
}

function build({ provider, model, modelId, baseUrl }: ModelSpec, apiKey: string | undefined): LanguageModelV4 {
  const settings = {
    ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
  switch (provider) {
    case 'openai':
      return createOpenAI(settings).chat(model);
    case 'anthropic':
      return createAnthropic(settings).languageModel(model);
    case 'openai-compatible':
      if (baseUrl === undefined) throw new EstopError('config-invalid', { detail: `model ${modelId} needs a baseUrl` });
      return createOpenAICompatible({ ...settings, baseURL: baseUrl, name: modelId }).chatModel(model);
    default:
      return provider satisfies never;
  }
}
