import { hash } from 'node:crypto';
import type { JsonSchemaType, Tool } from '@modelcontextprotocol/client';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { parseScopeKey, toolKey } from '../../core/scope-key.ts';
import { canonicalText } from '../json/canonical.ts';
import type { JsonValue } from '../json/parse-strict.ts';

/** A tool as it was first seen here. What an approval says is bound to `definitionHash`. */
export interface ToolPin {
  readonly serverId: string;
  readonly name: string;
  /** `<server>__<tool>`: what agents see. Server names hold no underscore, so the first pair of them parts it. */
  readonly listedName: string;
  /** The scope key by which a stop names it. */
  readonly scopeKey: string;
  readonly definition: Tool;
  readonly definitionHash: string;
  /** A sentence, if the arguments do not fit the pinned schema. Compiled once. */
  readonly faultIn: (args: JsonValue) => string | undefined;
}

export type PinResult = { readonly ok: true; readonly pin: ToolPin } | { readonly ok: false; readonly why: string };

const longestListedName = 128;
const schemas = new AjvJsonSchemaValidator();

/** Refuses what could not be called as it was listed. */
export function pinTool(serverId: string, definition: Tool): PinResult {
  const { name } = definition;
  const scopeKey = toolKey(serverId, name);
  const listedName = `${serverId}__${name}`;
  if (parseScopeKey(scopeKey) === undefined || listedName.length > longestListedName)
    return { ok: false, why: 'its name is not one that a stop could carry' };
  // A header that repeats an argument is a second copy of it, outside the bytes that were approved.
  if (JSON.stringify(definition.inputSchema).includes('"x-mcp-header"'))
    return { ok: false, why: 'it wants arguments repeated in headers' };
  try {
    // The SDK types the same schema twice, once without exactOptionalPropertyTypes in mind.
    const validate = schemas.getValidator(definition.inputSchema as JsonSchemaType);
    const faultIn = (args: JsonValue): string | undefined => {
      const result = validate(args);
      return result.valid ? undefined : (result.errorMessage ?? 'they do not fit its schema');
    };
    return {
      ok: true,
      pin: { serverId, name, listedName, scopeKey, definition, definitionHash: hashOf(definition), faultIn },
    };
  } catch {
    return { ok: false, why: 'its input schema cannot be compiled' };
  }
}

/** Everything that is listed to an agent, description included: the text is what steers it. */
function hashOf(definition: Tool): string {
  const plain = JSON.parse(JSON.stringify(definition)) as JsonValue; // what JSON.stringify wrote is JSON
  return hash('sha256', canonicalText(plain));
}

export interface PinBook {
  readonly pins: ReadonlyMap<string, ToolPin>;
  /** Listed again with another definition than the pinned one: refused until this process starts anew. */
  readonly changed: ReadonlySet<string>;
  /** Definition hashes by listed name, of every tool ever seen: one that went away does not come back as another. */
  readonly first: ReadonlyMap<string, string>;
}

export const emptyPinBook: PinBook = { pins: new Map(), changed: new Set(), first: new Map() };

/**
 * The book after a new listing: what is gone is not offered, what is new is pinned, what has changed under its name is refused
 * (a tool that was harmless when a person looked at it may not become another). A change back lifts that.
 * Not protected: pins live as long as the process; the first listing after a start is believed.
 */
export function turnPage(book: PinBook, listed: readonly ToolPin[]): PinBook {
  const pins = new Map<string, ToolPin>();
  const changed = new Set<string>();
  const first = new Map(book.first);
  for (const pin of listed) {
    const pinned = first.get(pin.listedName) ?? pin.definitionHash;
    first.set(pin.listedName, pinned);
    if (pinned !== pin.definitionHash) changed.add(pin.listedName);
    // The same object where nothing changed, so that its compiled schema is kept.
    const known = book.pins.get(pin.listedName);
    pins.set(pin.listedName, known?.definitionHash === pin.definitionHash ? known : pin);
  }
  return { pins, changed, first };
}
