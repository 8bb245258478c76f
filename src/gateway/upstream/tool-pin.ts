import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { JsonSchemaType, Tool } from '@modelcontextprotocol/client';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { lookOf, looksLikeOurs } from '../../core/look-alike.ts';
import { parseScopeKey, toolKey } from '../../core/scope-key.ts';
import type { SeenTool, ToolStandings } from '../../store/tool-pins.ts';
import { canonicalText } from '../json/canonical.ts';
import type { JsonValue } from '../json/parse-strict.ts';
import { withinTime } from '../json/within-time.ts';
import { proposalFor } from './tool-pin-profile.ts';

/** A tool as its server lists it. What an approval says, and what was accepted of it, is bound to `definitionHash`. */
export interface ToolPin {
  readonly serverId: string;
  readonly name: string;
  /** `<server>__<tool>`: what agents see. Server names hold no underscore, so the first pair of them parts it. */
  readonly listedName: string;
  /** The scope key by which a stop names it. */
  readonly scopeKey: string;
  readonly definition: Tool;
  readonly definitionText: string;
  readonly definitionHash: string;
  /** A sentence, if the arguments do not fit the pinned schema. Compiled once. */
  readonly faultIn: (args: JsonValue) => string | undefined;
}

export type PinResult = { readonly ok: true; readonly pin: ToolPin } | { readonly ok: false; readonly why: string };

const longestListedName = 128;
/** More than a person would read, and more than is kept. */
const longestDefinition = 256 * 1024;
/** A server writes the schema and an agent the arguments: together they can ask for a check without end. */
const mostCheckMs = 40;
/** Of one schema, while nothing else happens here; a long one that somebody wrote takes a tenth of it. */
const mostCompileMs = 500;
/** Letters of a definition times values in the arguments: below it every value may be held against every word of the schema. */
const mostWork = 1_000_000;
const mayTakeLong = /"(?:pattern|patternProperties|format|uniqueItems|contains|\$ref|\$dynamicRef|\$recursiveRef)":/;

/** Refuses what could not be called as it was listed. `before`: what it was; nothing is compiled again where it is still that. */
export function pinTool(serverId: string, definition: Tool, before?: ToolPin, compileMs = mostCompileMs): PinResult {
  const { name } = definition;
  const scopeKey = toolKey(serverId, name);
  const listedName = `${serverId}__${name}`;
  if (parseScopeKey(scopeKey) === undefined || listedName.length > longestListedName)
    return { ok: false, why: 'its name is not one that a stop could carry' };
  if (looksLikeOurs(name)) return { ok: false, why: 'its name reads like one of our own tools' };
  const definitionText = textOf(definition);
  if (definitionText.length > longestDefinition) return { ok: false, why: 'its definition is too large' };
  const definitionHash = hash('sha256', definitionText);
  if (before?.definitionHash === definitionHash) return { ok: true, pin: before };
  // A header that repeats an argument is a second copy of it, outside the bytes that were approved.
  if (JSON.stringify(definition.inputSchema).includes('"x-mcp-header"'))
    return { ok: false, why: 'it wants arguments repeated in headers' };
  try {
    // A validator keeps whatever it has compiled, so each tool has its own: what is listed no longer goes with it. And each try has its
    // own: one that was interrupted holds half a schema, and would take it for the whole.
    // The SDK types the same schema twice, once without exactOptionalPropertyTypes in mind.
    const compile = () => new AjvJsonSchemaValidator().getValidator(definition.inputSchema as JsonSchemaType);
    const compiled = withinTime(compileMs, compile);
    if (compiled === undefined) return { ok: false, why: 'its input schema takes too long to compile' };
    const validate = compiled.result;
    const check = (args: JsonValue): string | undefined => {
      const result = validate(args);
      return result.valid ? undefined : (result.errorMessage ?? 'they do not fit its schema');
    };
    const mostNodes = mayTakeLong.test(definitionText) ? 0 : Math.floor(mostWork / definitionText.length);
    const faultIn = (args: JsonValue): string | undefined =>
      isWithin(args, mostNodes) ? check(args) : checkInTime(check, args);
    return {
      ok: true,
      pin: {
        serverId,
        name,
        listedName,
        scopeKey,
        definition,
        definitionText,
        definitionHash,
        faultIn,
      },
    };
  } catch {
    return { ok: false, why: 'its input schema cannot be compiled' };
  }
}

/** Counts no further than it has to. */
function isWithin(args: JsonValue, mostNodes: number): boolean {
  let left = mostNodes;
  const count = (value: JsonValue): boolean => {
    left -= 1;
    if (left < 0) return false;
    return typeof value !== 'object' || value === null || Object.values(value).every(count);
  };
  return count(args);
}

/** What was not checked is not known to fit. */
function checkInTime(check: ToolPin['faultIn'], args: JsonValue): string | undefined {
  const checked = withinTime(mostCheckMs, () => check(args));
  return checked === undefined ? 'they could not be checked in time' : checked.result;
}

/** Everything that is listed to an agent, description included: the text is what steers it. */
function textOf(definition: Tool): string {
  return canonicalText(JSON.parse(JSON.stringify(definition)) as JsonValue); // what JSON.stringify wrote is JSON
}

export interface Page {
  readonly listed: ReadonlyMap<string, ToolPin>;
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

/**
 * What a server lists now. The same object where nothing changed, so that its compiled schema is kept; what is gone is not offered,
 * and neither is a name that stands there twice: nobody could say which of the two is called. Others are let in between two tools.
 */
export async function turnPage(
  serverId: string,
  before: ReadonlyMap<string, ToolPin>,
  definitions: readonly Tool[],
  compileMs = mostCompileMs,
): Promise<Page> {
  const listed = new Map<string, ToolPin>();
  const refused: { readonly name: string; readonly why: string }[] = [];
  const times = new Map<string, number>();
  for (const { name } of definitions) times.set(name, (times.get(name) ?? 0) + 1);
  for (const definition of definitions) {
    const { name } = definition;
    if (times.get(name) !== 1) {
      refused.push({ name, why: 'its server lists another one of the same name' });
      continue;
    }
    const known = before.get(`${serverId}__${name}`);
    const result = pinTool(serverId, definition, known, compileMs);
    if (!result.ok) refused.push({ name, why: result.why });
    else listed.set(result.pin.listedName, result.pin);
    if (!result.ok || result.pin !== known) await setImmediate();
  }
  return { listed, refused };
}

/**
 * Whether what a server lists now is what was accepted, by whoever looked. A tool that changed is refused by every gateway, also
 * by those that have not listed it since; one that is not on record is not known at all.
 */
export function callability(pin: ToolPin, standings: ToolStandings | undefined): 'accepted' | 'changed' | 'unknown' {
  const standing = standings?.byTool.get(pin.name);
  if (standing === undefined) return 'unknown';
  return standing.changed || standing.acceptedHash !== pin.definitionHash ? 'changed' : 'accepted';
}

/** What the record keeps of it at first sight. */
export function seenTool(pin: ToolPin): SeenTool {
  const { name, definition, definitionHash, definitionText } = pin;
  return {
    tool: name,
    hash: definitionHash,
    definition: definitionText,
    look: lookOf(name),
    ...proposalFor(definition),
  };
}
