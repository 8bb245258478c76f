import type { Scope } from '../core/scope-key.ts';
import { callOne, type Store } from './pool.ts';
import { bool } from './row.ts';

/**
 * Whether anybody or anything of this name was ever here. Connectors and models are known by the configurations that were in force,
 * tools by what their servers listed: what was never listed was never called.
 */
export async function isScopeOnRecord(store: Store, { kind, value }: Scope): Promise<boolean> {
  const row = await callOne(
    store,
    'scope_on_record',
    `SELECT CASE $1 WHEN 'agent' THEN EXISTS (SELECT 1 FROM estop.agents a WHERE a.agent_id = $2)
       WHEN 'task' THEN EXISTS (SELECT 1 FROM estop.tasks t WHERE t.task_id = $2)
       WHEN 'label' THEN EXISTS (SELECT 1 FROM estop.agent_labels l WHERE l.label_key = 'label:' || $2)
       WHEN 'tool' THEN EXISTS (SELECT 1 FROM estop.tool_pins p
         WHERE p.server_id = split_part($2, '/', 1) AND p.tool = split_part($2, '/', 2))
       WHEN 'connector' THEN EXISTS (SELECT 1 FROM estop.config_versions v
         WHERE v.document @> jsonb_build_object('connectors', jsonb_build_array(jsonb_build_object('connectorId', $2))))
       WHEN 'model' THEN EXISTS (SELECT 1 FROM estop.config_versions v
         WHERE v.document @> jsonb_build_object('models', jsonb_build_array(jsonb_build_object('modelId', $2))))
       ELSE false END AS known`,
    [kind, value],
  );
  return bool(row, 'known');
}
