import { EstopError } from '../core/errors.ts';
import {
  agentKey,
  connectorKey,
  fleetKey,
  modelKey,
  parseScopeKey,
  type ScopeKey,
  taskKey,
} from '../core/scope-key.ts';

/** What to stop: exactly one of these. */
export type StopTarget =
  | { readonly fleet: true }
  | { readonly agent: string }
  | { readonly task: string }
  /** `name=value` */
  | { readonly label: string }
  /** `server/tool` */
  | { readonly tool: string }
  | { readonly connector: string }
  | { readonly model: string }
  /** A whole scope key, as stops and tokens carry it. */
  | { readonly scope: string };

export function scopeKeyOf(target: StopTarget): ScopeKey {
  const key = format(target);
  if (parseScopeKey(key) === undefined)
    throw new EstopError('invalid-input', {
      detail: 'This does not name an agent, task, label, tool, connector or model.',
    });
  return key;
}

function format(target: StopTarget): ScopeKey {
  if ('fleet' in target) return fleetKey;
  if ('scope' in target) return target.scope;
  if ('agent' in target) return agentKey(target.agent);
  if ('task' in target) return taskKey(target.task);
  if ('connector' in target) return connectorKey(target.connector);
  if ('model' in target) return modelKey(target.model);
  return 'label' in target ? `label:${target.label}` : `tool:${target.tool}`;
}
