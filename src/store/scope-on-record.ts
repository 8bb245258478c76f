import type { Scope } from '../core/scope-key.ts';
import { callOne, type Store } from './pool.ts';
import { bool } from './row.ts';

/** Whether an agent, a task or a label of this name was ever here; of what only estop.yaml names the ledger knows nothing. */
export async function isScopeOnRecord(store: Store, { kind, value }: Scope): Promise<boolean> {
  const row = await callOne(
    store,
    'scope_on_record',
    `SELECT CASE $1 WHEN 'agent' THEN EXISTS (SELECT 1 FROM estop.agents a WHERE a.agent_id = $2)
       WHEN 'task' THEN EXISTS (SELECT 1 FROM estop.tasks t WHERE t.task_id = $2)
       WHEN 'label' THEN EXISTS (SELECT 1 FROM estop.agent_labels l WHERE l.label_key = 'label:' || $2)
       ELSE false END AS known`,
    [kind, value],
  );
  return bool(row, 'known');
}
