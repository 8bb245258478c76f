/** One call as the analysis sees it: every string among its arguments with the role it plays. */
import type { Role } from './facts.ts';
import { isEmail } from './site.ts';
import { roleOfName } from './tool/tool-argument.ts';
import type { ToolProfile } from './tool/tool-profile.ts';

export interface FlowCall {
  readonly profile: ToolProfile;
  readonly args: Readonly<Record<string, unknown>>;
  /** Of what is no call of a tool: addresses that the agent may have put together. Its texts are then looked at whatever their length. */
  readonly addresses?: readonly string[];
}

export interface Value {
  readonly argument: string;
  readonly text: string;
  readonly role: Role | undefined;
  readonly required: boolean;
}

const mostStrings = 2000;
/** Of all that it holds: switches and what is empty as well. */
const mostSeen = 10_000;
/** Letters of the names below its arguments: each name is taken apart. */
const mostNaming = 30_000;
const deepest = 12;

/** Capped: a call with more than this is no call that a person could be shown, and to go through it would hold up everybody else. */
export function valuesOf({ profile, args }: FlowCall): {
  readonly values: readonly Value[];
  readonly overflow: boolean;
} {
  const values: Value[] = [];
  const given = new Map(profile.arguments.map((argument) => [argument.name, argument]));
  let overflow = false;
  let seen = 0;
  let naming = 0;
  const walk = (held: unknown, argument: string, role: Role | undefined, required: boolean, depth: number): void => {
    seen += 1;
    if (overflow || values.length >= mostStrings || seen > mostSeen || depth > deepest) {
      overflow = true;
      return;
    }
    if (typeof held === 'string' || typeof held === 'number' || typeof held === 'bigint') {
      const text = String(held).trim();
      for (const one of severalIn(text, role))
        values.push({ argument, text: one, role: bySight(argument, one, role, profile), required });
    } else if (Array.isArray(held)) {
      for (const item of held) {
        if (overflow) return;
        walk(item, argument, role, required, depth + 1);
      }
    } else if (typeof held === 'object' && held !== null) {
      for (const key in held) {
        naming += key.length;
        overflow ||= naming > mostNaming;
        if (overflow) return;
        const item: unknown = (held as Readonly<Record<string, unknown>>)[key]; // its own key
        const inner = roleOfName(key, profile.tier);
        walk(
          item,
          `${argument}.${key}`,
          inner ?? (role === 'text' || (role === 'party' && isKindOfOne(key, item)) ? undefined : role),
          false,
          depth + 1,
        );
      }
    }
  };
  for (const name in args) {
    naming += name.length;
    overflow ||= naming > mostNaming;
    if (overflow) break;
    const held = args[name];
    const argument = given.get(name);
    walk(
      held,
      name,
      argument === undefined ? roleOfName(name, profile.tier) : argument.role,
      argument?.required === true,
      0,
    );
  }
  return { values, overflow };
}

/** "U1,U2" are two, each of whom is looked at. */
function severalIn(text: string, role: Role | undefined): readonly string[] {
  if (isAbsent(text)) return [];
  if ((role !== 'party' && role !== 'ref') || text.length > 4000 || !/^[^\s,;]+(?:\s*[,;]\s*[^\s,;]+)+$/.test(text))
    return [text];
  return text.split(/[,;]/).map((one) => one.trim());
}

const kindsOfOne =
  /^(?:required|optional|resource|user|person|individual|e-?mail|mail|contact|member|employee|customer|agent|iban|to|cc|bcc)$/i;
/** Of which kind a recipient is does not say who; "anyone" does. */
const isKindOfOne = (key: string, item: unknown): boolean =>
  /^(?:type|kind|format)$/i.test(key) && typeof item === 'string' && kindsOfOne.test(item.trim());

/** What agents write for nothing. */
const isAbsent = (text: string): boolean => /^(?:null|none|n\/a|undefined|nil|)$/i.test(text);

/** What an argument is called may hide what it holds: an address is an address wherever it stands alone. */
function bySight(argument: string, text: string, role: Role | undefined, profile: ToolProfile): Role | undefined {
  if (role === undefined || role === 'text' || role === 'ref') {
    if (isEmail(text) && !profile.arguments.some((argument) => argument.role === 'secret')) return 'party';
  }
  if (role === 'text' && isAddress(text)) return 'url';
  // "origin: Hamburg", "domain: light": no place on the web.
  if (role === 'url' && mayBeElsewhere.test(argument) && isWord(text)) return 'ref';
  // "source: ~/a/b.txt": what is moved or removed is a path whatever it is called.
  if (role === 'text' && takesAway(profile) && isAbsolute(text)) return 'path';
  return role;
}

export const mayBeElsewhere = /(?:^|[._])(?:domains?|sites?|origin)$/i;
const isWord = (text: string): boolean => /^\p{L}[\p{L} '-]{0,60}$/u.test(text) && !/^local/i.test(text);

/** On the web, or of sources: "ssh://host/x", "git@host.example:x/y". */
const isAddress = (text: string): boolean =>
  /^(?:[a-z][a-z0-9+.-]{1,20}:\/\/|www\.)\S+$/i.test(text) ||
  /^[\w.-]{1,64}@[\w.-]{1,253}:(?!\d+$)\S+$/.test(text) ||
  /^[\w-]{1,63}(?:\.[\w-]{1,63})*\.[a-z]{2,24}:[^\s:]*\/\S*$/i.test(text);

const takesAway = ({ tier, families }: ToolProfile): boolean =>
  tier === 'destructive' && families.some((family) => family === 'move' || family === 'delete');
const isAbsolute = (text: string): boolean => /^(?:~|\.{1,2})?(?:\/[^\s/]+){2,}\/?$/.test(text);

/** Words enough to be a sentence of the agent's own. */
export const isShort = (text: string): boolean => text.length <= 160 && text.split(/\s+/, 11).length <= 10;

/** Where something stands on the page that a browser shows ("e12", "f1e7", "1_23"): on another page it is something else. */
export const isHandle = ({ argument, text }: Value): boolean =>
  /(?:^|\.)(?:ref|uid)$/.test(argument) && /^(?:(?:[fs]\d{1,3})?e\d{1,4}|\d{1,3}_\d{1,4})$/.test(text);

/** From when to when, and from where to where: nobody is reached by a day, an hour or a place in a tree. */
export const isNobody = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text) ||
  /^\d\d?:\d\d(?::\d\d)?$/.test(text);
