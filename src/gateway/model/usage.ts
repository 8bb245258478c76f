import type { ModelPrice } from '../../contract/config.ts';
import { isRecord } from '../upstream/read-reply.ts';
import type { DialectName } from './dialect.ts';
import type { ModelRequest } from './model-request.ts';

/** Tokens by what they cost. The four do not overlap. */
export interface Usage {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
}

export interface Spent {
  readonly tokens: number;
  readonly microcents: number;
}

/**
 * The provider's own numbers, from a whole answer; undefined if there are none, or none that can be counted with: then the
 * reservation stays spent.
 */
export function usageIn(dialect: DialectName, message: unknown): Partial<Usage> | undefined {
  if (!isRecord(message)) return undefined;
  const { usage } = message;
  switch (dialect) {
    case 'chat':
      return openAiUsage(usage, 'prompt_tokens', 'completion_tokens');
    case 'responses':
      return openAiUsage(usage, 'input_tokens', 'output_tokens');
    case 'messages':
      return anthropicUsage(usage);
  }
}

/**
 * The same from one event of a stream. What is said before everything is written (Anthropic begins with an output of one) counts
 * nothing: a stream may end there, and what was generated until then was not in it.
 */
export function usageInEvent(dialect: DialectName, event: unknown): Partial<Usage> | undefined {
  if (!isRecord(event)) return undefined;
  switch (dialect) {
    case 'chat':
      return isUnfinished(event['choices']) ? undefined : usageIn(dialect, event);
    case 'responses': {
      const { response } = event;
      return isRecord(response) && response['status'] !== 'in_progress' && response['status'] !== 'queued'
        ? usageIn(dialect, response)
        : undefined;
    }
    case 'messages': {
      const { message: begun } = event;
      if (!isRecord(begun)) return usageIn(dialect, event);
      const { output: _soFar, ...input } = usageIn(dialect, begun) ?? {};
      return input;
    }
  }
}

/** `null` stands where a reason to finish will stand. */
const isUnfinished = (choices: unknown): boolean =>
  Array.isArray(choices) && choices.some((choice) => isRecord(choice) && choice['finish_reason'] === null);

function openAiUsage(usage: unknown, inputKey: string, outputKey: string): Usage | undefined {
  if (!isRecord(usage)) return undefined;
  const input = usage[inputKey];
  const output = usage[outputKey];
  if (!isTokens(input) || !isTokens(output)) return undefined;
  const details = usage[`${inputKey}_details`];
  const cached = isRecord(details) ? details['cached_tokens'] : 0;
  const cachedInput = isTokens(cached) ? Math.min(cached, input) : 0;
  return { input: input - cachedInput, cachedInput, cacheWrite: 0, output };
}

/** Its stream tells the input at the beginning and the output, so far, with each delta: each event may hold a part. */
function anthropicUsage(usage: unknown): Partial<Usage> | undefined {
  if (!isRecord(usage)) return undefined;
  const names = {
    input: 'input_tokens',
    cachedInput: 'cache_read_input_tokens',
    cacheWrite: 'cache_creation_input_tokens',
    output: 'output_tokens',
  } as const;
  const entries = Object.entries(names).map(([key, name]) => [key, usage[name]] as const);
  if (entries.some(([, value]) => value !== undefined && value !== null && !isTokens(value))) return undefined;
  return Object.fromEntries(entries.filter(([, value]) => isTokens(value)));
}

/** Undefined until input and output are both told. */
export function wholeUsage(usage: Partial<Usage>): Usage | undefined {
  const { input, output, cachedInput = 0, cacheWrite = 0 } = usage;
  return input === undefined || output === undefined ? undefined : { input, output, cachedInput, cacheWrite };
}

export function spentOf(usage: Usage, price: ModelPrice): Spent {
  const { input, cachedInput, cacheWrite, output } = usage;
  const cost =
    input * price.input +
    cachedInput * (price.cachedInput ?? price.input) +
    cacheWrite * cacheWriteOf(price) +
    output * price.output;
  return { tokens: input + cachedInput + cacheWrite + output, microcents: Math.ceil(cost) };
}

export function mostSpent({ mostInputTokens, mostOutputTokens }: ModelRequest, price: ModelPrice): Spent {
  const dearest = Math.max(price.input, price.cachedInput ?? 0, cacheWriteOf(price));
  return {
    tokens: mostInputTokens + mostOutputTokens,
    microcents: Math.ceil(mostInputTokens * dearest + mostOutputTokens * price.output),
  };
}

/** The longest-lived cache costs twice the input where it is charged at all. */
const cacheWriteOf = (price: ModelPrice): number => price.cacheWrite ?? price.input * 2;

/** More than any model takes is not a count but a mistake, or a lie that would make every later sum wrong. */
const mostTokens = 1_000_000_000;

function isTokens(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostTokens;
}
