import { APICallError, type LanguageModelV4, type LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import type { ModelQuestion, ModelTurn, ToolCall } from '../contract/agent-task.ts';
import type { ConfigSource } from '../contract/config.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { historyText } from './history-text.ts';
import { jsonIn } from './json-in.ts';
import { toPrompt } from './model-prompt.ts';
import type { AskedModel, ModelProviders } from './model-provider.ts';
import { refusalOf } from './model-refusal.ts';
import type { TaskTokens } from './task-tokens.ts';
import type { ToolLists } from './tool-list.ts';

interface ModelDependencies {
  readonly config: ConfigSource;
  readonly providers: ModelProviders;
  readonly toolLists: ToolLists;
  readonly tokens: Pick<TaskTokens, 'get' | 'forget'>;
}

/** Bounds on what one turn may put into the history. */
const maxTextCharacters = 100_000;
const maxToolCalls = 32;
const maxArgumentCharacters = 32_000;
/** Of all calls of one turn. */
const maxArgumentBytes = 256 * 1024;
/** No gateway takes more. Nested some thousand times deep, what was read could not be written down again. */
const maxArgumentDepth = 64;
const charactersPerToken = 4;

export type CallModel = (question: ModelQuestion, signal: AbortSignal) => Promise<ModelTurn>;

export function createCallModel({ config, providers, toolLists, tokens }: ModelDependencies): CallModel {
  return async ({ taskId, agentId, modelId, messages }, signal) => {
    const { agents, models } = config.current();
    const spec = models.find((model) => model.modelId === modelId);
    if (spec === undefined) throw new EstopError('config-invalid', { detail: `model ${modelId} is not configured` });
    const mayStart = agents.find((agent) => agent.agentId === agentId)?.mayStart ?? [];
    const tools = await toolLists.get(taskId, mayStart, signal);
    const options = {
      prompt: toPrompt(messages),
      tools: [...tools],
      abortSignal: signal,
      // The client would guess one from a model's name, and the name is ours.
      ...(spec.maxOutputTokens === undefined ? {} : { maxOutputTokens: spec.maxOutputTokens }),
    };
    const ask = async (): Promise<LanguageModelV4GenerateResult> =>
      generate(providers.get(spec, await tokens.get(taskId, signal)), options);
    const result = await ask().catch((error: unknown) => {
      if (errorCodeOf(error) !== 'unauthenticated') throw error;
      // The key may have been rotated away: one more try with a fresh token. What was refused here was not asked.
      tokens.forget(taskId);
      return ask();
    });
    return turnOf(result, JSON.stringify(messages).length);
  };
}

/** What a model client throws carries the whole prompt and answer: it goes no further than here. */
async function generate(
  { model, headers }: AskedModel,
  options: Parameters<LanguageModelV4['doGenerate']>[0],
): Promise<LanguageModelV4GenerateResult> {
  try {
    return await model.doGenerate({ ...options, headers: { ...headers } });
  } catch (error) {
    if (!APICallError.isInstance(error))
      throw new EstopError('upstream-refused', { detail: 'the model gave an answer that cannot be read' });
    throw refusalOf(error);
  }
}

function turnOf({ content, usage }: LanguageModelV4GenerateResult, askedCharacters: number): ModelTurn {
  const text = content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
  let room = maxArgumentBytes;
  const toolCalls = content
    .flatMap((part) => (part.type === 'tool-call' && part.providerExecuted !== true ? [part] : []))
    .slice(0, maxToolCalls)
    .map(({ toolCallId, toolName, input }): ToolCall => {
      const read = argumentsOf(input);
      room -= Buffer.byteLength(JSON.stringify(read.arguments));
      const call = { toolCallId: toolCallId.slice(0, 100), tool: toolName.slice(0, 200) };
      return { ...call, ...(room < 0 ? unreadable : read) };
    });
  const counted = (usage.inputTokens.total ?? 0) + (usage.outputTokens.total ?? 0);
  // A provider that reports no usage must not make the token cap void.
  const tokensUsed =
    counted > 0 ? counted : Math.ceil((askedCharacters + JSON.stringify(content).length) / charactersPerToken);
  return { text: historyText(text.slice(0, maxTextCharacters)), toolCalls, tokensUsed };
}

const unreadable = { arguments: {}, unreadable: true } as const;

function argumentsOf(input: string): Pick<ToolCall, 'arguments' | 'unreadable'> {
  const parsed = input.length > maxArgumentCharacters ? undefined : parse(input);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return unreadable;
  return isDeeper(parsed, maxArgumentDepth) ? unreadable : { arguments: { ...parsed } };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

const parse = (text: string): unknown => (text.trim() === '' ? {} : jsonIn(text));
