/**
 * Playbooks: what was agreed beforehand about stops of a kind, as pure rules. A playbook says how a stop goes on after it is latched;
 * it can never keep one from being latched, fenced or halted, because none of those asks it.
 */
import { hears, type NoticeEvent } from './notice.ts';
import { parseScopeKey, type ScopeKey, type ScopeKind } from './scope-key.ts';

/**
 * Phases of a lane that may wait for a person: those that take away for good what somebody may need again. What cuts access now
 * (`fence`, `terminate`, `revoke-credential`) never waits, and neither do the sweep and the proof.
 */
export const waitingPhases = ['disable-integration', 'purge-queue', 'update-policy-point'] as const;
export type WaitingPhase = (typeof waitingPhases)[number];

export interface PlaybookMatch {
  /** Kinds of scope, or whole scope keys. Empty: all. */
  readonly scopes: readonly string[];
  /** Of the agent that is stopped, or of the label that is: all of these. */
  readonly labels: Readonly<Record<string, string>>;
  /** Names of triggers. Empty: whoever orders it. */
  readonly triggers: readonly string[];
}

export interface Playbook {
  readonly playbookId: string;
  /** Approved for these; in any other it does not exist. */
  readonly environments: readonly string[];
  readonly match: PlaybookMatch;
  /** For what a trigger orders without saying so itself. What a person orders is as that person says. */
  readonly category: 0 | 1;
  readonly graceMs: number;
  readonly waits: readonly WaitingPhase[];
  /** Endpoints that hear of such a stop besides, whatever they hear of otherwise. */
  readonly notify: readonly string[];
}

/** What is known of a stop when it is latched. */
export interface StopFacts {
  readonly environment: string;
  readonly scopeKey: ScopeKey;
  /** Of the agent that its scope names, or of the agent whose task it names. */
  readonly labels: Readonly<Record<string, string>>;
  /** The trigger that ordered it, if one did. */
  readonly trigger?: string;
}

/** The first that fits, in the order in which they are written. Undefined: none does, and every phase runs by itself. */
export function choosePlaybook(playbooks: readonly Playbook[], facts: StopFacts): Playbook | undefined {
  return playbooks.find((playbook) => fits(playbook, facts));
}

function fits({ environments, match }: Playbook, facts: StopFacts): boolean {
  if (!environments.includes(facts.environment)) return false;
  if (match.triggers.length > 0 && (facts.trigger === undefined || !match.triggers.includes(facts.trigger)))
    return false;
  if (match.scopes.length > 0 && !match.scopes.some((one) => one === facts.scopeKey || one === kindOf(facts.scopeKey)))
    return false;
  const labels = { ...facts.labels, ...labelOf(facts.scopeKey) };
  return Object.entries(match.labels).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}

const kindOf = (scopeKey: ScopeKey): ScopeKind | undefined => parseScopeKey(scopeKey)?.kind;

function labelOf(scopeKey: ScopeKey): Readonly<Record<string, string>> {
  const scope = parseScopeKey(scopeKey);
  if (scope?.kind !== 'label') return {};
  const at = scope.value.indexOf('=');
  return { [scope.value.slice(0, at)]: scope.value.slice(at + 1) };
}

/** Asked before each phase of each lane. Anything that is not written down as waiting runs. */
export function mustWait(waits: readonly string[], released: readonly string[], phase: string): phase is WaitingPhase {
  return waitingPhases.some((one) => one === phase) && waits.includes(phase) && !released.includes(phase);
}

/** How an order goes out: what the trigger says itself comes first, then the playbook, then at once. */
export function orderTerms(
  said: { readonly category?: 0 | 1; readonly graceMs?: number },
  playbook: Playbook | undefined,
): { readonly category: 0 | 1; readonly graceMs: number } {
  const category = said.category ?? playbook?.category ?? 0;
  if (category === 0) return { category: 0, graceMs: 0 };
  return { category: 1, graceMs: said.graceMs ?? playbook?.graceMs ?? 0 };
}

/** Endpoints that a playbook adds: for stops that it fits, all that concerns them. */
export function alsoHear(playbook: Pick<Playbook, 'notify'> | undefined, event: NoticeEvent): readonly string[] {
  return playbook !== undefined && hears(['stop.*', 'obligation.*'], event) ? playbook.notify : [];
}

/** The labels that count for a scope: those of the agent in it, or of the agent whose task is in it. */
export function labelsOfScope(
  scopeKey: ScopeKey,
  agents: readonly { readonly agentId: string; readonly labels: Readonly<Record<string, string>> }[],
  agentOfTask?: string,
): Readonly<Record<string, string>> {
  const scope = parseScopeKey(scopeKey);
  const agentId = scope?.kind === 'agent' ? scope.value : scope?.kind === 'task' ? agentOfTask : undefined;
  return agents.find((agent) => agent.agentId === agentId)?.labels ?? {};
}
