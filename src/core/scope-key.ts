/**
 * A scope key is what a stop names and what a credential carries. A stop covers a credential iff its key is among the
 * credential's keys. A task's keys hold those of EVERY ancestor, so `task:T` covers T's whole tree and `agent:A` also covers
 * what other agents run under A's tasks.
 */
import { isName, parseId } from './ids.ts';

export type ScopeKind = 'fleet' | 'agent' | 'task' | 'tool' | 'connector' | 'model' | 'label';
export type ScopeKey = string;

export interface Scope {
  readonly kind: ScopeKind;
  /** Everything after the first colon; empty for the fleet. */
  readonly value: string;
}

const labelPattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?=[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const toolPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/[A-Za-z0-9_.-]{1,128}$/;
const modelPattern = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

export const fleetKey: ScopeKey = 'fleet';
export const agentKey = (agentId: string): ScopeKey => `agent:${agentId}`;
export const taskKey = (taskId: string): ScopeKey => `task:${taskId}`;
export const toolKey = (server: string, tool: string): ScopeKey => `tool:${server}/${tool}`;
export const connectorKey = (connectorId: string): ScopeKey => `connector:${connectorId}`;
export const modelKey = (modelId: string): ScopeKey => `model:${modelId}`;
export const labelKey = (name: string, value: string): ScopeKey => `label:${name}=${value}`;

/** Strict: anything that is not exactly a scope key is undefined, never guessed at. */
export function parseScopeKey(text: string): Scope | undefined {
  if (text === fleetKey) return { kind: 'fleet', value: '' };
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  const kind = text.slice(0, colon);
  const value = text.slice(colon + 1);
  switch (kind) {
    case 'agent':
    case 'connector':
      return isName(value) ? { kind, value } : undefined;
    case 'task':
      return parseId(value)?.kind === 'task' ? { kind, value } : undefined;
    case 'tool':
      return toolPattern.test(value) ? { kind, value } : undefined;
    case 'model':
      return modelPattern.test(value) ? { kind, value } : undefined;
    case 'label':
      return labelPattern.test(value) ? { kind, value } : undefined;
    default:
      return undefined;
  }
}

const widths: Readonly<Record<ScopeKind, number>> = {
  fleet: 0,
  label: 1,
  agent: 2,
  connector: 3,
  tool: 3,
  model: 3,
  task: 4,
};

/**
 * Smaller is wider. Where stops have to queue, wide ones go first: a crowd of stops of single tasks, which software may place as
 * fast as it likes, must not hold up the one that a person places. What is no scope key is taken for wide: that errs towards haste.
 */
export const scopeWidth = (key: ScopeKey): number => widths[parseScopeKey(key)?.kind ?? 'fleet'];

export const isTaskScope = (key: ScopeKey): boolean => scopeWidth(key) === widths.task;

/** Widest first; among equals the order stays. */
export const widestFirst = <Stop extends { readonly scopeKey: ScopeKey }>(stops: Iterable<Stop>): readonly Stop[] =>
  [...stops].sort((one, other) => scopeWidth(one.scopeKey) - scopeWidth(other.scopeKey));

interface KeyBearer {
  readonly taskId: string;
  readonly agentId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Keys of the parent task, which already hold those of all its ancestors. */
  readonly parentKeys: readonly ScopeKey[];
}

/** rule: keys-of-every-ancestor */
export function taskKeys(bearer: KeyBearer): readonly ScopeKey[] {
  const labels = Object.entries(bearer.labels).map(([name, value]) => labelKey(name, value));
  return [
    ...new Set([fleetKey, agentKey(bearer.agentId), taskKey(bearer.taskId), ...labels, ...bearer.parentKeys]),
  ].sort();
}
