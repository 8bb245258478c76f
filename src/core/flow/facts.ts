/**
 * What the data-flow analysis tells the policy about one call, and the seven rules stated over it. The default policies decide
 * by the same seven sentences; a property test holds them equal to `violations`.
 */
export const tiers = ['read', 'fetch', 'write', 'destructive', 'code'] as const;
export type Tier = (typeof tiers)[number];

export const roles = ['party', 'url', 'path', 'secret', 'ref', 'text'] as const;
export type Role = (typeof roles)[number];

/**
 * Where a value first came from, the strongest that holds:
 * request: it stands in what the user asked · own, contact: an identity of the user, the one known address of a person whom
 * the user named; for a path, made in this task · approved: a person let this tool write it in this task, or let the site be looked at · file: a labelled line of a
 * file that the user named · field: a whole short field of a structured output · person: in a message from a person whom the
 * user named · prose: inside other text · tainted: from a read that was itself steered by prose · nowhere: never seen.
 */
export const origins = [
  'request',
  'file',
  'field',
  'person',
  'prose',
  'tainted',
  'nowhere',
  'own',
  'contact',
  'approved',
] as const;
export type Origin = (typeof origins)[number];

export interface FlowFacts {
  /** The distinct origins of the values of each role in this call; empty: the call has no value of that role to check. */
  readonly origin: Readonly<Record<Role, readonly Origin[]>>;
  /** The tool's family of action is in the request. */
  readonly relevant: boolean;
  readonly reads: { readonly untrusted: boolean; readonly private: boolean; readonly labels: readonly string[] };
}

export type Rule = 'R1' | 'R2' | 'R3' | 'R4' | 'R5' | 'R6' | 'R7';

type Origins = ReadonlySet<Origin>;
const parties: Origins = new Set<Origin>(['request', 'file', 'own', 'contact', 'approved']);
const sites: Origins = new Set<Origin>(['request', 'person', 'own', 'contact', 'approved']);
const paths: Origins = new Set<Origin>(['request', 'own', 'approved']);
const secrets: Origins = new Set<Origin>(['request', 'file', 'field', 'own', 'approved']);

/** Whether a value of this role and origin is held by its own rule; text that came from nowhere needs the whole call to judge. */
export function heldAlone(role: Role, origin: Origin): boolean {
  switch (role) {
    case 'party':
      return !parties.has(origin);
    case 'url':
      return !sites.has(origin);
    case 'path':
      return !paths.has(origin);
    case 'secret':
      return !secrets.has(origin);
    case 'ref':
    case 'text':
      return origin === 'prose' || origin === 'tainted';
  }
}

export const ruleOf: Readonly<Record<Role, Rule>> = {
  party: 'R1',
  url: 'R2',
  path: 'R3',
  secret: 'R4',
  ref: 'R5',
  text: 'R7',
};

const tiersOf: Readonly<Record<Rule, readonly Tier[]>> = {
  R1: ['write', 'destructive'],
  R2: ['fetch', 'destructive'],
  R3: ['destructive'],
  R4: ['write', 'destructive'],
  R5: ['write', 'destructive'],
  R6: ['destructive', 'code'],
  R7: ['destructive'],
};

export function applies(rule: Rule, tier: Tier): boolean {
  return tiersOf[rule].includes(tier);
}

/** Nothing else in the call was there to be checked, so that a text from nowhere is all there is. */
export function textStandsAlone(origin: FlowFacts['origin']): boolean {
  return roles.every((role) => role === 'text' || origin[role].length === 0);
}

export function originsOf(
  checked: readonly { readonly role: Role; readonly found: { readonly origin: Origin } }[],
): FlowFacts['origin'] {
  const found: Record<Role, Origin[]> = { party: [], url: [], path: [], secret: [], ref: [], text: [] };
  for (const {
    role,
    found: { origin },
  } of checked)
    if (!found[role].includes(origin)) found[role].push(origin);
  for (const role of roles) found[role].sort();
  return found;
}

/** R1-R7, purely: the rules that a call of this tier breaks. */
export function violations(facts: Pick<FlowFacts, 'origin' | 'relevant'>, tier: Tier): readonly Rule[] {
  const broken: Rule[] = [];
  for (const role of roles) {
    const rule = ruleOf[role];
    if (applies(rule, tier) && facts.origin[role].some((origin) => heldAlone(role, origin))) broken.push(rule);
  }
  if (applies('R6', tier) && !facts.relevant) broken.push('R6');
  const invented = facts.origin.text.includes('nowhere') && textStandsAlone(facts.origin);
  if (applies('R7', tier) && invented && !broken.includes('R7')) broken.push('R7');
  return broken.sort();
}
