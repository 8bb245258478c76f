import type { JsonObject, JsonValue } from '../json/parse-strict.ts';

export interface Content {
  /** Holds more than text, so that its bytes say little about its tokens. */
  readonly hasMedia: boolean;
  /** Something that the provider would fetch or look up itself: an address, or an id in an account that others use too. */
  readonly remote: string | undefined;
  /** The provider is to remember something for longer than its usual five minutes, which has another price. */
  readonly isKeptLong: boolean;
}

const textual = new Set(
  `text input_text output_text refusal message tool_use tool_result thinking redacted_thinking reasoning function_call
   function_call_output custom_tool_call custom_tool_call_output`.split(/\s+/),
);
/** Where a part of a conversation keeps its own parts. What a tool was called with is data, whatever it looks like. */
const partsOf: ReadonlySet<string> = new Set(['content', 'output', 'source', 'file', 'file_data']);
/** By the end of its name: servers that copy a protocol have pictures, films and sounds of their own (`video_url`, `audio_url`). */
const reference = /^(?:.+_)?(?:ur[li]|file_id)$/;

/** Walks the parts of the conversation, and them alone. */
export function contentOf(body: JsonObject): Content {
  let hasMedia = false;
  let remote: string | undefined;
  let isKeptLong = false;
  const look = (value: JsonValue | undefined): void => {
    if (Array.isArray(value)) return value.forEach(look);
    if (!isObject(value)) return;
    const { type } = value;
    isKeptLong ||= keepsLong(value);
    if (typeof type === 'string' && !textual.has(type)) hasMedia = true;
    if (type === 'item_reference' || type === 'container_upload') remote ??= type;
    for (const [key, member] of Object.entries(value)) {
      const isReference = reference.test(key);
      if (isReference && typeof member === 'string' && !member.startsWith('data:')) remote ??= key;
      if (isReference || partsOf.has(key)) look(member);
    }
  };
  for (const key of ['messages', 'input', 'system']) look(body[key]);
  const { tools } = body;
  isKeptLong ||=
    keepsLong(body) || (Array.isArray(tools) && tools.some((tool: JsonValue) => isObject(tool) && keepsLong(tool)));
  return { hasMedia, remote, isKeptLong };
}

/** Anthropic's `cache_control`: https://docs.claude.com/en/docs/build-with-claude/prompt-caching. */
function keepsLong({ cache_control: asked }: JsonObject): boolean {
  return isObject(asked) && asked['ttl'] !== undefined && asked['ttl'] !== '5m';
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
