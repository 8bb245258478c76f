/**
 * Triggers: how an alert becomes a stop or a hold, as pure rules. What is stopped is fixed by the configuration; of the alert itself
 * one id at most goes into it, and only if it names something that is known. Nothing in an alert can take a stop back.
 */
import { isName, parseId } from './ids.ts';
import { parseScopeKey, type ScopeKey, type ScopeKind } from './scope-key.ts';

export const triggerSources = ['webhook', 'alertmanager', 'ledger'] as const;
export type TriggerSource = (typeof triggerSources)[number];

/** What of the ledger a trigger may follow. Never a stop: a stop that ordered stops would not end. */
export const ledgerEvents = [
  'breaker.tripped',
  'approval.flood',
  'budget.ended',
  'policy.activated',
  'policy.proposed',
  'tool.changed',
] as const;
export type LedgerEvent = (typeof ledgerEvents)[number];

export interface TriggerRule {
  /** Each of these must be so in the alert; one that is missing there is not so. */
  readonly match: Readonly<Record<string, string>>;
  /** A scope key, or one with a single `{name}` for an id out of the alert: `agent:{agent}`. */
  readonly scope: string;
  readonly action: 'stop' | 'hold';
  /** Where nothing is said, those of the playbook that fits, else 0. */
  readonly category?: 0 | 1;
  readonly graceMs?: number;
}

/** One alert, cut down to what rules may look at: names and short texts. */
export type AlertFields = Readonly<Record<string, string>>;

/** What there is: an id that names none of it is nobody's id. */
export interface Known {
  readonly environment: string;
  readonly agents: readonly string[];
  readonly connectors: readonly string[];
  readonly models: readonly string[];
  readonly toolServers: readonly string[];
}

export type Aim =
  | { readonly kind: 'scope'; readonly scopeKey: ScopeKey }
  /** The alert is not what this rule is about. */
  | { readonly kind: 'no-match' }
  /** It is, and what it names cannot be stopped: somebody must hear of that. */
  | { readonly kind: 'refused'; readonly why: string };

const placeholder = /^(agent|task|tool|connector|model):\{([A-Za-z][A-Za-z0-9_.-]{0,63})\}$/;
export const fieldLength = 256;

/** Undefined: not a template. Without a place for an id, the whole of it must be a scope key. */
export function parseTemplate(scope: string): { readonly kind: ScopeKind; readonly field?: string } | undefined {
  const match = placeholder.exec(scope);
  if (match !== null) return { kind: match[1] as ScopeKind, field: match[2] ?? '' }; // the pattern lists kinds alone
  const fixed = parseScopeKey(scope);
  return fixed === undefined ? undefined : { kind: fixed.kind };
}

/** A hold is of an agent or a task: there is nothing else that one can let go on afterwards. */
export const mayHold = (kind: ScopeKind): boolean => kind === 'agent' || kind === 'task';

export function aim(rule: TriggerRule, fields: AlertFields, known: Known): Aim {
  for (const [name, wanted] of Object.entries(rule.match))
    if (!Object.hasOwn(fields, name) || fields[name] !== wanted) return { kind: 'no-match' };
  const template = parseTemplate(rule.scope);
  if (template === undefined) return { kind: 'refused', why: 'the scope of this trigger is no scope' };
  if (template.field === undefined) return { kind: 'scope', scopeKey: rule.scope };
  const id = Object.hasOwn(fields, template.field) ? fields[template.field] : undefined;
  if (id === undefined || id === '') return { kind: 'refused', why: `the alert has no ${template.field}` };
  const scopeKey = `${template.kind}:${id}`;
  const scope = parseScopeKey(scopeKey);
  // The id must not turn the key into one of another kind, and must be somebody's.
  if (scope?.kind !== template.kind || scope.value !== id || !isKnown(template.kind, id, known))
    return { kind: 'refused', why: `${template.field} of the alert names no ${template.kind} that is known here` };
  return { kind: 'scope', scopeKey };
}

function isKnown(kind: ScopeKind, id: string, known: Known): boolean {
  switch (kind) {
    case 'agent':
      return isName(id) && known.agents.includes(id);
    case 'connector':
      return known.connectors.includes(id);
    case 'model':
      return known.models.includes(id);
    case 'tool':
      return known.toolServers.includes(id.slice(0, id.indexOf('/')));
    case 'task':
      return parseId(id)?.environment === known.environment;
    case 'fleet':
    case 'label':
      return false;
  }
}

/** Who ordered it, wherever people read that. No person can bear such a name: a colon is in none. */
export const triggerActor = (triggerId: string): string => `trigger:${triggerId}`;

/** The trigger that ordered a stop. By how it was ordered, which only the control worker can say; a name proves nothing. */
export function triggerOf(stop: { readonly actor: string; readonly method: string }): string | undefined {
  return stop.method === 'trigger' && stop.actor.startsWith('trigger:')
    ? stop.actor.slice('trigger:'.length)
    : undefined;
}

/** The first rule that is about this alert. Undefined: none is. */
export function firstAim(
  rules: readonly TriggerRule[],
  fields: AlertFields,
  known: Known,
): { readonly rule: TriggerRule; readonly aim: Exclude<Aim, { readonly kind: 'no-match' }> } | undefined {
  for (const rule of rules) {
    const aimed = aim(rule, fields, known);
    if (aimed.kind !== 'no-match') return { rule, aim: aimed };
  }
  return undefined;
}
