import type { AgentSpec } from '../contract/config.ts';
import { EstopError } from '../core/errors.ts';
import { labelKey, parseScopeKey } from '../core/scope-key.ts';
import { call, type Store } from './pool.ts';
import { json, present, type Row, text, textOrUndefined, texts } from './row.ts';

export interface AgentRecord {
  readonly agentId: string;
  readonly owner: string;
  readonly stopHolder: string;
  /** The AgentSpec as it was registered. The running configuration is the file's; this is what the ledger remembers. */
  readonly spec: unknown;
  /** Label keys it carries now. */
  readonly labelKeys: readonly string[];
  readonly registeredAt: string;
  readonly retiredAt?: string;
}

export type AgentsRegistered =
  | { readonly kind: 'applied' }
  /** Nothing was changed: these are gone from the configuration but still have open tasks. */
  | { readonly kind: 'refused'; readonly withOpenTasks: readonly string[] };

/**
 * The agents of one configuration, all or nothing. Two transactions: labels that are gone are tombstoned in the first and closed in
 * the second, so that each counts against every stop latched while it was still carried. rule: no-relabel-out
 */
export async function registerAgents(store: Store, agents: readonly AgentSpec[]): Promise<AgentsRegistered> {
  const rows = await call(store, 'apply_agents', 'SELECT outcome, agent_id FROM estop.apply_agents($1)', [
    JSON.stringify(agents.map(toRow)),
  ]);
  const withOpenTasks = rows.filter((row) => text(row, 'outcome') === 'open-tasks').map((row) => text(row, 'agent_id'));
  if (withOpenTasks.length > 0) return { kind: 'refused', withOpenTasks };
  await settleLabels(store);
  return { kind: 'applied' };
}

/** The second of the two; also at every start, for a process that died between them. */
export async function settleLabels(store: Store): Promise<void> {
  await call(store, 'settle_labels', 'SELECT estop.settle_labels()', []);
}

export async function getAgent(store: Store, agentId: string): Promise<AgentRecord | undefined> {
  const [row] = await call(store, 'agent', `${agentQuery} WHERE a.agent_id = $1`, [agentId]);
  return row === undefined ? undefined : agentOf(row);
}

/** Those that are not retired, by id. */
export async function listAgents(store: Store): Promise<readonly AgentRecord[]> {
  return (await call(store, 'agents', `${agentQuery} WHERE a.retired_at IS NULL ORDER BY a.agent_id`, [])).map(agentOf);
}

const agentQuery = `SELECT a.*, ARRAY(SELECT l.label_key FROM estop.agent_labels l
    WHERE l.agent_id = a.agent_id AND l.tombstoned_at IS NULL ORDER BY 1) AS label_keys
  FROM estop.agents a`;

function toRow(agent: AgentSpec): object {
  const labelKeys = Object.entries(agent.labels).map(([name, value]) => labelKey(name, value));
  const odd = labelKeys.find((key) => parseScopeKey(key) === undefined);
  if (odd !== undefined)
    throw new EstopError('config-invalid', {
      detail: `agent ${JSON.stringify(agent.agentId)} has a label that no stop could name: ${JSON.stringify(odd)}`,
    });
  return { agentId: agent.agentId, owner: agent.owner, stopHolder: agent.stopHolder, labelKeys, spec: agent };
}

function agentOf(row: Row): AgentRecord {
  return {
    agentId: text(row, 'agent_id'),
    owner: text(row, 'owner'),
    stopHolder: text(row, 'stop_holder'),
    spec: json(row, 'spec'),
    labelKeys: texts(row, 'label_keys'),
    registeredAt: text(row, 'registered_at'),
    ...present({ retiredAt: textOrUndefined(row, 'retired_at') }),
  };
}
