import { beforeAll, describe, expect, it } from 'vitest';
import { pruneFirings } from '../../src/store/triggers.ts';
import { type Answer, type ControlRig, field } from './rig.ts';
import { firing, makeTriggerRig, type TriggerRig } from './trigger-rig.ts';

describe('alerts of Alertmanager', () => {
  let made: TriggerRig;
  let rig: ControlRig;
  beforeAll(async () => {
    made = await makeTriggerRig();
    rig = made.rig;
  });
  const firings = () => made.firings();
  const alertmanager: TriggerRig['alertmanager'] = (...asked) => made.alertmanager(...asked);

  it('each firing alert by itself, once for as long as it lasts; what is resolved takes nothing back', async () => {
    const before = (await firings()).length;
    const [one, two] = ['2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00.000Z'];
    const first = await alertmanager([firing('billing-bot', one), firing('mail-bot', one, { fingerprint: 'ff' })]);
    expect(first.status).toBe(202);
    const again = await alertmanager([firing('billing-bot', one), { ...firing('mail-bot', one), status: 'resolved' }]);
    expect(field(again.body, 'alerts', 0, 'fresh')).toBe(false);
    expect(field(again.body, 'alerts', 1)).toBeUndefined();
    await alertmanager([firing('billing-bot', two)]);
    expect((await firings()).length).toBe(before + 3);
    const unprinted = firing('mail-bot', two, { fingerprint: undefined });
    const turned = { ...unprinted, labels: Object.fromEntries(Object.entries(unprinted.labels).reverse()) };
    expect(field((await alertmanager([unprinted])).body, 'alerts', 0, 'fresh')).toBe(true);
    expect(field((await alertmanager([turned])).body, 'alerts', 0, 'fresh')).toBe(false);
    expect((await alertmanager([firing('billing-bot', two)], 'wrong-bearer-of-some-length')).status).toBe(401);
  });

  it('one that cannot be read takes nothing from the others of its delivery, and somebody hears of it, once', async () => {
    const since = '2026-01-03T00:00:00.000Z';
    const told = () =>
      rig.ledger.sql(
        "SELECT facts->>'why' AS why FROM estop.notices WHERE event = 'trigger.refused' AND nth LIKE '%/undated'",
      );
    const delivery = [
      firing('billing-bot', since),
      firing('mail-bot', 'yesterday', { fingerprint: undefined }),
      firing('mail-bot', since, { startsAt: undefined, labels: { severity: 'info', agent: 'mail-bot' } }),
      null,
      firing('mail-bot', since),
      { ...firing('mail-bot', since), status: 'smouldering' },
    ] as readonly object[];
    const first = await alertmanager(delivery);
    expect(first.status).toBe(202);
    const outcomes = (answer: Answer) =>
      (field(answer.body, 'alerts') as readonly { outcome: string }[]).map(({ outcome }) => outcome);
    expect(outcomes(first)).toEqual(['stop', 'refused', 'ignored', 'ignored', 'stop', 'refused']);
    expect(field(first.body, 'alerts', 1, 'why')).toContain('since when');
    expect(await told()).toHaveLength(1);
    const again = await alertmanager(delivery);
    expect(outcomes(again)).toEqual(outcomes(first));
    expect(field(again.body, 'alerts', 0, 'stopId')).toBe(field(first.body, 'alerts', 0, 'stopId'));
    expect(await told()).toHaveLength(1);
    // Nothing was done at all: that is no success.
    expect((await alertmanager(delivery.slice(1, 2))).status).toBe(422);
  });

  it('two alerts are two, whatever fingerprint their sender gives them', async () => {
    const since = '2026-01-04T00:00:00.000Z';
    const answer = await alertmanager([firing('billing-bot', since), firing('mail-bot', since)]);
    const scopes = [0, 1].map((n) => field(answer.body, 'alerts', n, 'scopeKey'));
    expect(scopes).toEqual(['agent:billing-bot', 'agent:mail-bot']);
  });

  it('an alert that goes on for longer than firings are kept is still the same one', async () => {
    const since = '2026-01-05T00:00:00.000Z';
    await alertmanager([firing('billing-bot', since), firing('mail-bot', since)]);
    const age = (agent: string) =>
      rig.ledger.sql(
        `UPDATE estop.trigger_firings SET fired_at = fired_at - interval '40 days', seen_at = seen_at - interval '40 days', latched_at = now()
          WHERE scope_key = $1`,
        [`agent:${agent}`],
      );
    await age('billing-bot');
    await age('mail-bot');
    await alertmanager([firing('billing-bot', since)]);
    await pruneFirings(rig.ledger.as('estop_revoker'), 30 * 86_400_000, 10_000);
    const fresh = async (agent: string) =>
      field((await alertmanager([firing(agent, since)])).body, 'alerts', 0, 'fresh');
    expect([await fresh('billing-bot'), await fresh('mail-bot')]).toEqual([false, true]);
  });
});
