import { call, callOne, type Store } from './pool.ts';
import { int, json, type Row, text } from './row.ts';

export interface ConfigVersion {
  readonly version: number;
  readonly appliedAt: string;
  readonly actor: string;
  readonly digest: string;
  readonly document: unknown;
}

/** Remembers what was applied, by whom. The newest with the same digest is that version again. @param document holds no secret, only references */
export async function recordConfig(store: Store, actor: string, digest: string, document: unknown): Promise<number> {
  return int(
    await callOne(store, 'record_config', 'SELECT estop.record_config($1, $2, $3) AS version', [
      actor,
      digest,
      JSON.stringify(document),
    ]),
    'version',
  );
}

export async function currentConfig(store: Store): Promise<ConfigVersion | undefined> {
  const [row] = await call(store, 'config', 'SELECT * FROM estop.config_versions ORDER BY version DESC LIMIT 1', []);
  return row === undefined ? undefined : versionOf(row);
}

/** What was in force at a moment, by the store's clock. */
export async function configAt(store: Store, at: string): Promise<ConfigVersion | undefined> {
  const query = 'SELECT * FROM estop.config_versions WHERE applied_at <= $1 ORDER BY version DESC LIMIT 1';
  const [row] = await call(store, 'config_at', query, [at]);
  return row === undefined ? undefined : versionOf(row);
}

function versionOf(row: Row): ConfigVersion {
  return {
    version: int(row, 'version'),
    appliedAt: text(row, 'applied_at'),
    actor: text(row, 'actor'),
    digest: text(row, 'digest'),
    document: json(row, 'document'),
  };
}
