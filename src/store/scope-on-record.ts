import type { Scope } from '../core/scope-key.ts';
import { call, type Store } from './pool.ts';
import { text } from './row.ts';

/**
 * Those of which anybody or anything of the name was ever here. Connectors and models are known by the configurations that were in
 * force, tools by what their servers listed: what was never listed was never called.
 */
export async function scopesOnRecord(store: Store, scopes: readonly Scope[]): Promise<ReadonlySet<string>> {
  const rows = await call(
    store,
    'scopes_on_record',
    `SELECT s.kind || ':' || s.value AS key FROM unnest($1::text[], $2::text[]) AS s (kind, value)
     WHERE CASE s.kind WHEN 'agent' THEN EXISTS (SELECT 1 FROM estop.agents a WHERE a.agent_id = s.value)
       WHEN 'task' THEN EXISTS (SELECT 1 FROM estop.tasks t WHERE t.task_id = s.value)
       WHEN 'label' THEN EXISTS (SELECT 1 FROM estop.agent_labels l WHERE l.label_key = 'label:' || s.value)
       WHEN 'tool' THEN EXISTS (SELECT 1 FROM estop.tool_pins p
         WHERE p.server_id = split_part(s.value, '/', 1) AND p.tool = split_part(s.value, '/', 2))
       WHEN 'connector' THEN EXISTS (SELECT 1 FROM estop.config_versions v
         WHERE v.document @> jsonb_build_object('connectors', jsonb_build_array(jsonb_build_object('connectorId', s.value))))
       WHEN 'model' THEN EXISTS (SELECT 1 FROM estop.config_versions v
         WHERE v.document @> jsonb_build_object('models', jsonb_build_array(jsonb_build_object('modelId', s.value))))
       ELSE false END`,
    [scopes.map(({ kind }) => kind), scopes.map(({ value }) => value)],
  );
  return new Set(rows.map((row) => text(row, 'key')));
}
