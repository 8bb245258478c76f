/** The three ways in which clients and providers speak of a model call. Pure data, and what follows from it. */
export type DialectName = 'chat' | 'responses' | 'messages';

export interface Dialect {
  readonly name: DialectName;
  /** Where clients find it here, and below a provider's base URL. */
  readonly path: string;
  readonly upstreamPath: string;
  readonly providers: readonly string[];
  /** By which fields a request bounds what is generated; the first is the one that is written where none is given. */
  readonly outputLimits: readonly string[];
  /** Fields that mean what they say and nothing beyond this call. What is not here is refused, unless estop.yaml names it. */
  readonly fields: ReadonlySet<string>;
  /** Tools that the CLIENT runs. Any other would be run by the provider, past the gate. */
  readonly clientTools: RegExp;
}

const chat: Dialect = {
  name: 'chat',
  path: '/v1/chat/completions',
  upstreamPath: '/chat/completions',
  providers: ['openai', 'openai-compatible'],
  outputLimits: ['max_completion_tokens', 'max_tokens'],
  fields: new Set(
    `model messages stream stream_options tools tool_choice parallel_tool_calls functions function_call temperature top_p
     top_k min_p repetition_penalty n max_tokens max_completion_tokens stop presence_penalty frequency_penalty logit_bias
     logprobs top_logprobs response_format seed user metadata reasoning_effort verbosity prompt_cache_key
     prompt_cache_retention safety_identifier`.split(/\s+/),
  ),
  clientTools: /^(?:function|custom)$/,
};

const responses: Dialect = {
  name: 'responses',
  path: '/v1/responses',
  upstreamPath: '/responses',
  providers: ['openai', 'openai-compatible'],
  outputLimits: ['max_output_tokens'],
  fields: new Set(
    `model input instructions stream stream_options tools tool_choice parallel_tool_calls max_tool_calls temperature top_p
     max_output_tokens text reasoning metadata user store truncation include top_logprobs prompt_cache_key
     prompt_cache_retention safety_identifier`.split(/\s+/),
  ),
  clientTools: /^(?:function|custom|local_shell|apply_patch)$/,
};

const messages: Dialect = {
  name: 'messages',
  path: '/v1/messages',
  upstreamPath: '/messages',
  providers: ['anthropic'],
  outputLimits: ['max_tokens'],
  fields: new Set(
    `model messages system max_tokens metadata stop_sequences stream temperature top_k top_p tools tool_choice thinking
     output_config output_format cache_control`.split(/\s+/),
  ),
  clientTools: /^(?:custom|(?:bash|text_editor|computer|memory)_[0-9]{8})$/,
};

const dialects: readonly Dialect[] = [chat, responses, messages];

export const dialectAt = (path: string): Dialect | undefined => dialects.find((dialect) => dialect.path === path);
