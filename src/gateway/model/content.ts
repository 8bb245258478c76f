import type { JsonObject, JsonValue } from '../json/parse-strict.ts';

export interface Content {
  /** Holds more than text, so that its bytes say little about its tokens. */
  readonly hasMedia: boolean;
  /** Something that the provider would fetch or look up itself: an address, or an id in an account that others use too. */
  readonly remote: string | undefined;
}

const textual = new Set(
  `text input_text output_text refusal message tool_use tool_result thinking redacted_thinking reasoning function_call
   function_call_output custom_tool_call custom_tool_call_output`.split(/\s+/),
);
/** Where a part of a conversation keeps its own parts. What a tool was called with is data, whatever it looks like. */
const partsOf = ['content', 'output', 'source', 'image_url', 'file', 'file_data'] as const;
const references = ['file_id', 'file_url', 'url', 'image_url'] as const;

/** Walks the parts of the conversation, and them alone. */
export function contentOf(body: JsonObject): Content {
  let hasMedia = false;
  let remote: string | undefined;
  const look = (value: JsonValue | undefined): void => {
    if (Array.isArray(value)) return value.forEach(look);
    if (!isObject(value)) return;
    const { type } = value;
    if (typeof type === 'string' && !textual.has(type)) hasMedia = true;
    if (type === 'item_reference' || type === 'container_upload') remote ??= type;
    for (const key of references) {
      const reference = value[key];
      if (typeof reference === 'string' && !reference.startsWith('data:')) remote ??= key;
    }
    for (const key of partsOf) look(value[key]);
  };
  for (const key of ['messages', 'input', 'system']) look(body[key]);
  return { hasMedia, remote };
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
