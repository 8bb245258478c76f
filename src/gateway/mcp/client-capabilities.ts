import type { JsonObject, JsonValue } from '../json/parse-strict.ts';

/** Of what this gate knows that a client can be asked, the words that the revisions know. */
const words = {
  elicitation: ['form', 'url'],
  sampling: ['context', 'tools'],
  roots: ['listChanged'],
} as const;

/**
 * What an upstream is told that its client can. It goes along with every call, outside of its arguments, so it is made here: nothing of
 * the client's own text is in it, which no policy, no digest and no approver would see.
 */
export function clientCapabilities(said: JsonObject): JsonObject {
  if (Object.keys(said).length === 0) return {};
  return Object.fromEntries(
    Object.entries(words).flatMap(([name, parts]) => {
      const own = said[name];
      if (!isObject(own)) return [];
      return [[name, Object.fromEntries(parts.flatMap((part) => known(part, own[part])))]];
    }),
  );
}

function known(part: string, value: JsonValue | undefined): readonly (readonly [string, JsonValue])[] {
  if (typeof value === 'boolean') return [[part, value]];
  if (!isObject(value)) return [];
  const { applyDefaults } = value;
  return [[part, typeof applyDefaults === 'boolean' ? { applyDefaults } : {}]];
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
