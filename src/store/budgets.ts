import { type BudgetLimit, type BudgetScope, budgetScopes, type Spend } from '../core/budget.ts';
import { call, type Store } from './pool.ts';
import { int, intOrUndefined, present, type Row, text, word } from './row.ts';

/** One budget of one agent, as far as it has begun: a limit that nothing has touched yet has nothing used. */
export interface BudgetRecord {
  readonly agentId: string;
  readonly scope: BudgetScope;
  /** What it is a budget of: a task's id, an agent's, or an agent's and a UTC date; empty for `call`, and for one not begun. */
  readonly of: string;
  readonly limit: BudgetLimit;
  /** Spent and reserved together: what the limit is compared with. */
  readonly used: Spend;
  /** Of that, what is reserved for calls whose end is not known. */
  readonly reserved: Spend;
}

/** Newest first within each scope; of tasks and trees the newest hundred. */
export async function showBudgets(store: Store, agentId: string): Promise<readonly BudgetRecord[]> {
  return (await call(store, 'show_budgets', showSql, [agentId])).map(budgetOf);
}

const showSql = `SELECT l.agent_id, l.scope, coalesce(b.budget_key, '') AS budget_key,
    l.calls AS most_calls, l.tokens AS most_tokens, l.microcents AS most_microcents,
    coalesce(b.calls, 0) AS calls, coalesce(b.tokens, 0) AS tokens, coalesce(b.microcents, 0) AS microcents,
    coalesce(r.calls, 0) AS reserved_calls, coalesce(r.tokens, 0) AS reserved_tokens, coalesce(r.microcents, 0) AS reserved_microcents
  FROM estop.budget_limits l
  LEFT JOIN LATERAL (SELECT x.* FROM estop.budgets x WHERE x.agent_id = l.agent_id AND x.scope = l.scope ORDER BY x.opened_at DESC LIMIT 100) b ON true
  LEFT JOIN LATERAL (
    SELECT sum(c.cost_calls)::bigint AS calls, sum(c.cost_tokens)::bigint AS tokens, sum(c.cost_microcents)::bigint AS microcents
    FROM estop.calls c WHERE c.settled_at IS NULL AND b.budget_key = ANY (c.budget_keys)) r ON true
  WHERE l.agent_id = $1
  ORDER BY l.scope, b.opened_at DESC`;

function budgetOf(row: Row): BudgetRecord {
  const key = text(row, 'budget_key');
  return {
    agentId: text(row, 'agent_id'),
    scope: word(row, 'scope', budgetScopes),
    of: key.slice(key.indexOf(':') + 1),
    limit: present({
      calls: intOrUndefined(row, 'most_calls'),
      tokens: intOrUndefined(row, 'most_tokens'),
      microcents: intOrUndefined(row, 'most_microcents'),
    }),
    used: { calls: int(row, 'calls'), tokens: int(row, 'tokens'), microcents: int(row, 'microcents') },
    reserved: {
      calls: int(row, 'reserved_calls'),
      tokens: int(row, 'reserved_tokens'),
      microcents: int(row, 'reserved_microcents'),
    },
  };
}
