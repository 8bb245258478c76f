/**
 * Ids name their kind and environment (`task_dev_<26 characters>`), so that a token, a log line or a workflow of one
 * environment is never taken for one of another. Randomness is a parameter: core has none of its own.
 */
export type IdKind =
  | 'task'
  | 'stop'
  | 'grant'
  | 'call'
  | 'appr'
  | 'gw'
  | 'tok'
  | 'req'
  | 'sign'
  | 'person'
  | 'api'
  | 'elev'
  | 'ntc';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const environmentPattern = /^[a-z][a-z0-9]{0,15}$/;
const idPattern =
  /^(task|stop|grant|call|appr|gw|tok|req|sign|person|api|elev|ntc)_([a-z][a-z0-9]{0,15})_([0-9a-hjkmnp-tv-z]{26})$/;
/** Agents, connectors, tools' servers and grants are named by people: lower case, no look-alikes, no separators of ours. */
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export interface ParsedId {
  readonly kind: IdKind;
  readonly environment: string;
  readonly random: string;
}

/** @param random 16 bytes from a cryptographic source */
export function formatId(kind: IdKind, environment: string, random: Uint8Array): string {
  if (random.length !== 16) throw new RangeError('an id takes 16 random bytes');
  let bits = 0;
  let value = 0;
  let text = '';
  for (const byte of random) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((value >>> bits) & 31);
      value &= (1 << bits) - 1;
    }
  }
  text += alphabet.charAt((value << (5 - bits)) & 31);
  return `${kind}_${environment}_${text}`;
}

export function parseId(text: string): ParsedId | undefined {
  const match = idPattern.exec(text);
  if (match === null) return undefined;
  const [, kind, environment, random] = match;
  if (environment === undefined || random === undefined) return undefined;
  return { kind: kind as IdKind, environment, random }; // the pattern lists exactly the members of IdKind
}

export function isId(kind: IdKind, environment: string, text: string): boolean {
  const parsed = parseId(text);
  return parsed !== undefined && parsed.kind === kind && parsed.environment === environment;
}

export function isEnvironment(text: string): boolean {
  return environmentPattern.test(text);
}

export function isName(text: string): boolean {
  return namePattern.test(text);
}
