import { call, type Store } from './pool.ts';
import { bool, int, intOrUndefined, present, text, textOrUndefined, texts } from './row.ts';

export interface ConnectorCheck {
  readonly connectorId: string;
  readonly system: string;
  readonly ok: boolean;
  readonly findings: readonly string[];
  readonly tookMs: number;
}

export async function noteConnectorCheck(store: Store, check: ConnectorCheck): Promise<void> {
  const findings = check.findings.slice(0, 50).map((finding) => finding.slice(0, 500));
  const values = [check.connectorId, check.system, check.ok, findings, Math.round(check.tookMs)];
  await call(store, 'note_connector_check', 'SELECT estop.note_connector_check($1, $2, $3, $4, $5)', values);
}

/** One connector as far as the ledger knows it: its last check, and what it has in hand. */
export interface ConnectorStanding {
  readonly connectorId: string;
  readonly ok?: boolean;
  readonly findings: readonly string[];
  readonly tookMs?: number;
  readonly checkedAt?: string;
  readonly since?: string;
  readonly liveGrants: number;
  readonly openObligations: number;
  readonly needsHuman: number;
  /** The newest that was proved dead there. */
  readonly provedAt?: string;
}

/** Nothing of it is counted over what is past: that grows. */
export const connectorStandingsText = `
  SELECT i.connector, c.ok, coalesce(c.findings, '{}') AS findings, c.took_ms, c.checked_at, c.since,
    (SELECT count(*) FROM estop.grants g WHERE g.connector = i.connector AND g.state <> 'ended') AS live_grants,
    o.open, o.needs_human,
    (SELECT max(x.proved_at) FROM estop.obligations x WHERE x.connector = i.connector AND x.state = 'proved') AS proved_at
  FROM unnest($1::text[]) i (connector) LEFT JOIN estop.connector_checks c USING (connector)
  CROSS JOIN LATERAL (SELECT count(*) AS open, count(*) FILTER (WHERE x.needs_human IS NOT NULL) AS needs_human
    FROM estop.obligations x WHERE x.connector = i.connector AND x.final_at IS NULL) o
  ORDER BY i.connector`;

/** For these, whether anything is known of them or not. */
export async function connectorStandings(store: Store, ids: readonly string[]): Promise<readonly ConnectorStanding[]> {
  const rows = await call(store, 'connector_standings', connectorStandingsText, [ids]);
  return rows.map((row) => ({
    connectorId: text(row, 'connector'),
    findings: texts(row, 'findings'),
    liveGrants: int(row, 'live_grants'),
    openObligations: int(row, 'open'),
    needsHuman: int(row, 'needs_human'),
    ...present({
      ok: row['ok'] === null ? undefined : bool(row, 'ok'),
      tookMs: intOrUndefined(row, 'took_ms'),
      checkedAt: textOrUndefined(row, 'checked_at'),
      since: textOrUndefined(row, 'since'),
      provedAt: textOrUndefined(row, 'proved_at'),
    }),
  }));
}

export interface ConnectorUse {
  readonly connectorId: string;
  readonly taskId?: string;
  readonly stopId?: string;
  /** Of the task. */
  readonly agentId?: string;
  /** Of the stop. */
  readonly scopeKey?: string;
}

/** The newest few tasks that hold a credential of each, and the newest few stops that have something left to end there. */
export async function connectorUses(store: Store, ids: readonly string[]): Promise<readonly ConnectorUse[]> {
  const rows = await call(
    store,
    'connector_uses',
    `SELECT i.connector, u.* FROM unnest($1::text[]) i (connector) CROSS JOIN LATERAL (
       (SELECT g.task_id, g.agent_id, NULL AS stop_id, NULL AS scope_key FROM estop.grants g WHERE g.connector = i.connector AND g.state <> 'ended'
         GROUP BY 1, 2 ORDER BY max(g.intended_at) DESC LIMIT 5)
       UNION ALL
       (SELECT NULL, NULL, s.stop_id, s.scope_key FROM estop.obligations o JOIN estop.stops s ON s.stop_id = o.cause_id
         WHERE o.connector = i.connector AND o.final_at IS NULL GROUP BY s.stop_id, s.scope_key, s.epoch ORDER BY s.epoch DESC LIMIT 5)) u`,
    [ids],
  );
  return rows.map((row) => ({
    connectorId: text(row, 'connector'),
    ...present({
      taskId: textOrUndefined(row, 'task_id'),
      agentId: textOrUndefined(row, 'agent_id'),
      stopId: textOrUndefined(row, 'stop_id'),
      scopeKey: textOrUndefined(row, 'scope_key'),
    }),
  }));
}
