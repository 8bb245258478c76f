import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { EstopConfig } from '../../src/contract/config.ts';
import type { TriggerSpec } from '../../src/contract/triggers.ts';
import { agentSpec } from '../store/ledger.ts';
import { type Answer, type ControlRig, makeControl } from './rig.ts';

export const secret = `whsec_${randomBytes(32).toString('base64')}`;
export const older = `whsec_${randomBytes(32).toString('base64')}`;
export const bearer = 'a-bearer-of-alertmanager-with-length';
export const readSecret = ({ env = '' }: { readonly env?: string }): string =>
  ({ NEW: secret, OLD: older, BEARER: bearer, SHORT: 'short' })[env] ?? '';

const triggers: readonly TriggerSpec[] = [
  {
    triggerId: 'spend',
    from: 'webhook',
    secrets: [{ env: 'NEW' }, { env: 'OLD' }],
    rules: [
      { match: { type: 'spend.over' }, scope: 'agent:{agent}', action: 'stop', category: 1, graceMs: 5_000 },
      { match: { type: 'spend.warning' }, scope: 'agent:{agent.id}', action: 'hold' },
    ],
  },
  {
    triggerId: 'alerts',
    from: 'alertmanager',
    secrets: [],
    bearer: { env: 'BEARER' },
    rules: [{ match: { severity: 'critical' }, scope: 'agent:{agent}', action: 'stop' }],
  },
  {
    triggerId: 'weak',
    from: 'alertmanager',
    secrets: [],
    bearer: { env: 'SHORT' },
    rules: [{ match: {}, scope: 'fleet', action: 'stop' }],
  },
  {
    triggerId: 'inside',
    from: 'ledger',
    secrets: [],
    rules: [{ match: { event: 'budget.ended' }, scope: 'fleet', action: 'stop' }],
  },
];

export interface TriggerRig {
  readonly rig: ControlRig;
  firings(): Promise<readonly Record<string, unknown>[]>;
  signed(body: string, changes?: Signing): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>;
  send(body: object, changes?: Signing, name?: string): Promise<Answer>;
  alertmanager(alerts: readonly object[], as?: string): Promise<Answer>;
}

interface Signing {
  readonly id?: string;
  readonly at?: Date;
  readonly by?: string;
}

/** Control with these triggers, and whoever sends to them. */
export async function makeTriggerRig(): Promise<TriggerRig> {
  const made = await makeControl([agentSpec('billing-bot'), agentSpec('mail-bot')]);
  const config = (): EstopConfig => ({ ...made.deps.config.current(), triggers });
  const rig = made.withDeps({ config: { current: config }, readSecret });
  let count = 0;
  const signed: TriggerRig['signed'] = (body, changes = {}) => {
    count += 1;
    const { id = `msg_${count}`, at = new Date(), by = secret } = changes;
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(by).sign(id, at, body),
    };
  };
  return {
    rig,
    signed,
    firings: () =>
      rig.ledger.sql(
        'SELECT trigger_id, alert_id, action, scope_key, category, grace_ms, stop_id FROM estop.trigger_firings ORDER BY fired_at',
      ),
    send: (body, changes = {}, name = 'spend') => {
      const raw = JSON.stringify(body);
      return rig.call('POST', `/v1/triggers/${name}`, { raw, headers: signed(raw, changes) });
    },
    alertmanager: (alerts, as = bearer) =>
      rig.call('POST', '/v1/triggers/alerts', { as, body: { version: '4', status: 'firing', groupKey: 'x', alerts } }),
  };
}

/** An alert as Alertmanager sends it. */
export const firing = (agent: string, startsAt: string, more: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'Runaway', severity: 'critical', agent },
  annotations: { summary: 'agent:fleet' },
  startsAt,
  fingerprint: 'abcdef0123456789',
  ...more,
});
