import type { ModelSpec } from '../../contract/config.ts';
import type { JsonObject, JsonValue } from '../json/parse-strict.ts';
import { longCache } from './betas.ts';
import { type Content, contentOf, isObject } from './content.ts';
import type { Dialect } from './dialect.ts';

/** What is sent to the provider, and the most that it can cost. */
export interface ModelRequest {
  readonly body: string;
  readonly streams: boolean;
  /** The client asked for the usage in its stream; where it did not, what we asked for is taken out again. */
  readonly wantsUsage: boolean;
  readonly mostInputTokens: number;
  readonly mostOutputTokens: number;
}

export type ReadRequest =
  | { readonly ok: true; readonly request: ModelRequest }
  | { readonly ok: false; readonly why: string };

/** What a provider adds of its own: roles, the description of how tools are called. */
const hiddenTokens = 1_024;
/** For models of which estop.yaml says nothing. The second is no bound but a guess on the high side; what is used is what counts. */
const assumedContextTokens = 200_000;
const assumedOutputTokens = 32_000;
const mostChoices = 128;

/** Refuses what would have an effect beyond this one call, and writes the body anew around what the client said. */
export function readModelRequest(dialect: Dialect, model: ModelSpec, asked: JsonObject): ReadRequest {
  const content = contentOf(asked);
  const why = faultIn(dialect, model, asked, content);
  if (why !== undefined) return { ok: false, why };
  const streams = asked['stream'] === true;
  const options = asked['stream_options'];
  const given = isObject(options) ? options : {};
  const limit = outputLimitOf(dialect, asked) ?? model.maxOutputTokens;
  const body: Record<string, JsonValue> = { ...asked, model: model.model };
  // Only a bound that was sent is one.
  if (limit !== undefined && outputLimitOf(dialect, asked) === undefined) body[limitFieldOf(dialect, model)] = limit;
  if (dialect.name === 'chat' && streams) body['stream_options'] = { ...given, include_usage: true };
  const text = JSON.stringify(body);
  const context = model.contextTokens ?? assumedContextTokens;
  const choices = typeof asked['n'] === 'number' ? asked['n'] : 1;
  return {
    ok: true,
    request: {
      body: text,
      streams,
      wantsUsage: dialect.name !== 'chat' || given['include_usage'] === true,
      // No token of a text is shorter than a byte of it.
      mostInputTokens: content.hasMedia ? context : boundedBy(Buffer.byteLength(text) + hiddenTokens, model),
      mostOutputTokens: (limit ?? assumedOutputTokens) * choices,
    },
  };
}

const boundedBy = (tokens: number, { contextTokens }: ModelSpec): number =>
  contextTokens === undefined ? tokens : Math.min(tokens, contextTokens);

function faultIn(dialect: Dialect, model: ModelSpec, asked: JsonObject, content: Content): string | undefined {
  for (const [field, value] of Object.entries(asked)) {
    if (value === null || value === false || dialect.fields.has(field)) continue;
    if (model.parameters?.includes(field) !== true)
      return `the field ${JSON.stringify(field.slice(0, 64))} is not passed on; estop.yaml may name it under parameters of this model`;
  }
  const { stream, n } = asked;
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') return 'stream must be true or false';
  if (n !== undefined && n !== null && !isCount(n, mostChoices))
    return `n must be a whole number from 1 to ${mostChoices}`;
  for (const field of dialect.outputLimits) {
    const value = asked[field];
    if (value !== undefined && value !== null && !isCount(value, Number.MAX_SAFE_INTEGER))
      return `${field} must be a whole number above 0`;
  }
  if (content.remote !== undefined && model.remoteContent !== true)
    return `${content.remote} names what the provider would fetch or look up itself, past the gate; send the content`;
  if (content.isKeptLong && model.betas?.includes(longCache) !== true)
    return `what is cached for longer than five minutes has another price; estop.yaml may name ${longCache} under betas of this model`;
  return foreignTool(dialect, model, asked['tools']);
}

/** A tool that the provider runs is a tool call that no gate sees. */
function foreignTool(dialect: Dialect, model: ModelSpec, tools: JsonValue | undefined): string | undefined {
  if (tools === undefined || tools === null) return undefined;
  if (!Array.isArray(tools)) return 'tools must be a list';
  for (const tool of tools as readonly JsonValue[]) {
    if (!isObject(tool)) return 'a tool must be an object';
    const type = tool['type'] ?? (dialect.name === 'messages' ? 'custom' : undefined);
    if (typeof type !== 'string') return 'a tool must have a type';
    if (!dialect.clientTools.test(type) && model.providerTools?.includes(type) !== true)
      return `a tool of the type ${JSON.stringify(type.slice(0, 64))} is run by the provider, past the gate; estop.yaml may name it under providerTools of this model`;
  }
  return undefined;
}

function outputLimitOf(dialect: Dialect, asked: JsonObject): number | undefined {
  const given = dialect.outputLimits.map((field) => asked[field]).filter((value) => typeof value === 'number');
  // Which of two a provider takes is its own choice.
  return given.length === 0 ? undefined : Math.max(...given);
}

/** OpenAI renamed it; whoever copies its protocol mostly knows the old name alone. */
function limitFieldOf(dialect: Dialect, model: ModelSpec): string {
  if (dialect.name === 'chat') return model.provider === 'openai' ? 'max_completion_tokens' : 'max_tokens';
  return dialect.outputLimits[0] ?? '';
}

function isCount(value: JsonValue, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
}
