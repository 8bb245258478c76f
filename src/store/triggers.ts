import { createHash } from 'node:crypto';
import type { EstopConfig } from '../contract/config.ts';
import { plainText } from '../contract/printable.ts';
import type { StopCategory } from '../contract/stop.ts';
import { formatId } from '../core/ids.ts';
import { choosePlaybook, labelsOfScope, orderTerms } from '../core/playbook.ts';
import { type AlertFields, firstAim, type LedgerEvent, ledgerEvents, type TriggerRule } from '../core/trigger.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, json, present, type Row, text, textOrUndefined, texts, word } from './row.ts';

export interface Firing {
  readonly triggerId: string;
  /** The same for an alert that is sent again. */
  readonly alertId: string;
  readonly action: 'stop' | 'hold';
  readonly scopeKey: string;
  readonly category: StopCategory;
  readonly graceMs: number;
  readonly reason: string;
  /** Of a stop: the order to be latched. */
  readonly stopId?: string;
}

export interface Fired {
  /** False: this alert had fired before, and this is what it did. */
  readonly fresh: boolean;
  readonly action: 'stop' | 'hold';
  readonly scopeKey: string;
  readonly stopId?: string;
}

export async function fireTrigger(store: Store, firing: Firing): Promise<Fired> {
  const { triggerId, alertId, action, scopeKey, category, graceMs, reason, stopId } = firing;
  const sql = 'SELECT * FROM estop.fire_trigger($1, $2, $3, $4, $5, $6, $7, $8)';
  const values = [triggerId, alertId, action, scopeKey, category, graceMs, reason, stopId ?? null];
  const row = await callOne(store, 'fire_trigger', sql, values);
  return {
    fresh: bool(row, 'fresh'),
    action: word(row, 'action', ['stop', 'hold'] as const),
    scopeKey: text(row, 'scope_key'),
    ...present({ stopId: textOrUndefined(row, 'stop_id') }),
  };
}

/** What triggers are judged by. */
export type TriggerGround = Pick<
  EstopConfig,
  'environment' | 'agents' | 'connectors' | 'models' | 'toolServers' | 'playbooks'
>;

export interface Alert {
  readonly alertId: string;
  readonly fields: AlertFields;
  /** For people: what kind of alert it was. */
  readonly name: string;
  /** Why nothing can be done about it: it is not told from another one, or says nothing that is known. */
  readonly flaw?: string;
}

export type AlertOutcome =
  | ({ readonly kind: 'fired' } & Fired)
  | { readonly kind: 'refused'; readonly why: string }
  /** No rule is about it. */
  | { readonly kind: 'ignored' };

export type AimedAlert =
  | { readonly kind: 'firing'; readonly firing: Firing }
  | Exclude<AlertOutcome, { readonly kind: 'fired' }>;

/** What an alert comes to, without doing it. The id of a stop is made of the alert, so that whoever orders it orders the same stop. */
export function aimAlert(
  { environment, agents, connectors, models, toolServers, playbooks }: TriggerGround,
  triggerId: string,
  rules: readonly TriggerRule[],
  { alertId, fields, name, flaw }: Alert,
): AimedAlert {
  const found = firstAim(rules, fields, {
    environment,
    agents: agents.map(({ agentId }) => agentId),
    connectors: connectors.map(({ connectorId }) => connectorId),
    models: models.map(({ modelId }) => modelId),
    toolServers: toolServers.map(({ serverId }) => serverId),
  });
  if (found === undefined) return { kind: 'ignored' };
  if (flaw !== undefined) return { kind: 'refused', why: flaw };
  const { aim, rule } = found;
  if (aim.kind === 'refused') return aim;
  const { scopeKey } = aim;
  const labels = labelsOfScope(scopeKey, agents);
  const playbook = choosePlaybook(playbooks ?? [], { environment, scopeKey, labels, trigger: triggerId });
  const random = createHash('sha256')
    .update(JSON.stringify(['trigger', triggerId, alertId]))
    .digest();
  return {
    kind: 'firing',
    firing: {
      triggerId,
      alertId,
      action: rule.action,
      scopeKey,
      ...orderTerms(rule, playbook),
      reason: plainText(`alert ${name}`, 200),
      ...(rule.action === 'stop' ? { stopId: formatId('stop', environment, random.subarray(0, 16)) } : {}),
    },
  };
}

/** One alert of one trigger, from wherever it came. Repeated, it is the same firing, and the same stop. */
export async function judgeAlert(
  store: Store,
  ground: TriggerGround,
  triggerId: string,
  rules: readonly TriggerRule[],
  alert: Alert,
): Promise<AlertOutcome> {
  const aimed = aimAlert(ground, triggerId, rules, alert);
  if (aimed.kind === 'refused') await refuseTrigger(store, triggerId, alert.alertId, aimed.why);
  if (aimed.kind !== 'firing') return aimed;
  return { kind: 'fired', ...(await fireTrigger(store, aimed.firing)) };
}

export async function refuseTrigger(store: Store, triggerId: string, alertId: string, why: string): Promise<void> {
  await call(store, 'refuse_trigger', 'SELECT estop.refuse_trigger($1, $2, $3)', [triggerId, alertId, why]);
}

/**
 * Stops that were asked for and are not latched yet: first those that nobody has tried, oldest first, then some of those whose next try
 * is due. However many fail for ever, a new one is among them.
 */
export async function listFiringsToLatch(store: Store): Promise<readonly Firing[]> {
  const open = `estop.trigger_firings f WHERE f.action = 'stop' AND f.latched_at IS NULL AND f.failed_at IS NULL`;
  const sql = `(SELECT * FROM ${open} AND f.attempts = 0 ORDER BY f.fired_at LIMIT 200)
    UNION ALL (SELECT * FROM ${open} AND f.attempts > 0 AND f.next_at <= clock_timestamp() ORDER BY f.next_at LIMIT 50)`;
  return (await call(store, 'firings_to_latch', sql, [])).map(firingOf);
}

/** `latchedAs`: where the id of the order was another stop's. False: the ledger has no such stop over that scope. */
export async function noteFiringLatched(store: Store, stopId: string, latchedAs: string): Promise<boolean> {
  const sql = 'SELECT estop.note_firing_latched($1, $2) AS noted';
  return bool(await callOne(store, 'firing_latched', sql, [stopId, latchedAs]), 'noted');
}

export interface Failure {
  readonly code: string;
  /** It would fail the same way again. */
  readonly isFinal: boolean;
}

/** True: it is given up, and people are told. */
export async function noteFiringFailed(store: Store, stopId: string, { code, isFinal }: Failure): Promise<boolean> {
  const sql = 'SELECT estop.note_firing_failed($1, $2, $3) AS given_up';
  return bool(await callOne(store, 'firing_failed', sql, [stopId, code, isFinal]), 'given_up');
}

/** Something in the ledger that triggers may follow. */
export interface LedgerNews {
  readonly noticeId: string;
  readonly event: LedgerEvent;
  readonly subject: string;
  readonly agents: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
}

/** As with firings: first what nobody has looked at, then some of what could not be judged and is due again. */
export async function listNewsToJudge(store: Store): Promise<readonly LedgerNews[]> {
  const open = `SELECT notice_id, event, subject, agents, facts FROM estop.notices WHERE judged_at IS NULL
    AND event IN ('breaker.tripped', 'approval.flood', 'budget.ended', 'policy.activated', 'policy.proposed', 'tool.changed')`;
  const sql = `(${open} AND judge_attempts = 0 ORDER BY seq LIMIT 200)
    UNION ALL (${open} AND judge_attempts > 0 AND judge_at <= clock_timestamp() ORDER BY judge_at LIMIT 50)`;
  return (await call(store, 'news_to_judge', sql, [])).map((row) => {
    const facts = json(row, 'facts');
    return {
      noticeId: text(row, 'notice_id'),
      event: word(row, 'event', ledgerEvents),
      subject: text(row, 'subject'),
      agents: texts(row, 'agents'),
      facts: typeof facts === 'object' && facts !== null ? { ...facts } : {},
    };
  });
}

export async function noteJudged(store: Store, noticeId: string): Promise<void> {
  await call(store, 'note_judged', 'SELECT estop.note_judged($1)', [noticeId]);
}

/** True: it is given up, and people are told. */
export async function noteJudgeFailed(
  store: Store,
  noticeId: string,
  triggerId: string,
  { code, isFinal }: Failure,
): Promise<boolean> {
  const sql = 'SELECT estop.note_judge_failed($1, $2, $3, $4) AS given_up';
  return bool(await callOne(store, 'judge_failed', sql, [noticeId, triggerId, code, isFinal]), 'given_up');
}

export async function pruneFirings(store: Store, olderMs: number, atMost: number): Promise<number> {
  const sql = 'SELECT estop.prune_firings($1, $2) AS pruned';
  return int(await callOne(store, 'prune_firings', sql, [olderMs, atMost]), 'pruned');
}

function firingOf(row: Row): Firing {
  return {
    triggerId: text(row, 'trigger_id'),
    alertId: text(row, 'alert_id'),
    action: word(row, 'action', ['stop', 'hold'] as const),
    scopeKey: text(row, 'scope_key'),
    category: int(row, 'category') === 1 ? 1 : 0,
    graceMs: int(row, 'grace_ms'),
    reason: text(row, 'reason'),
    ...present({ stopId: textOrUndefined(row, 'stop_id') }),
  };
}
