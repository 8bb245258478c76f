import { call, callOne, type Store } from './pool.ts';
import { bool, type Row, text, texts, word } from './row.ts';

export interface BoundPlaybook {
  readonly playbookId: string;
  readonly waits: readonly string[];
  readonly notify: readonly string[];
  /** Phases that a person has let go. */
  readonly released: readonly string[];
}

const boundSql = `SELECT b.playbook_id, b.waits, b.notify, ARRAY(SELECT r.phase FROM estop.phase_releases r WHERE r.stop_id = b.stop_id) AS released
  FROM estop.stop_playbooks b WHERE b.stop_id = $1`;

/** Undefined: none fits this stop; every phase of it runs by itself. */
export async function boundPlaybook(store: Store, stopId: string): Promise<BoundPlaybook | undefined> {
  const [row] = await call(store, 'bound_playbook', boundSql, [stopId]);
  return row === undefined ? undefined : boundOf(row);
}

export async function bindPlaybook(
  store: Store,
  stopId: string,
  playbook: { readonly playbookId: string; readonly waits: readonly string[]; readonly notify: readonly string[] },
): Promise<boolean> {
  const sql = 'SELECT estop.bind_playbook($1, $2, $3, $4) AS bound';
  const values = [stopId, playbook.playbookId, playbook.waits, playbook.notify];
  return bool(await callOne(store, 'bind_playbook', sql, values), 'bound');
}

export type PhaseRelease = 'released' | 'already' | 'not-waiting' | 'unknown';

export async function releasePhase(
  store: Store,
  release: { readonly stopId: string; readonly phase: string; readonly actor: string; readonly reason: string },
): Promise<PhaseRelease> {
  const sql = 'SELECT estop.release_phase($1, $2, $3, $4) AS outcome';
  const row = await callOne(store, 'release_phase', sql, [
    release.stopId,
    release.phase,
    release.actor,
    release.reason,
  ]);
  return word(row, 'outcome', ['released', 'already', 'not-waiting', 'unknown'] as const);
}

const boundOf = (row: Row): BoundPlaybook => ({
  playbookId: text(row, 'playbook_id'),
  waits: texts(row, 'waits'),
  notify: texts(row, 'notify'),
  released: texts(row, 'released'),
});
