import { beforeAll, describe, expect, it } from 'vitest';
import { latchAccepted } from '../../src/activities/stop.ts';
import type { EstopConfig } from '../../src/contract/config.ts';
import type { StopOrder } from '../../src/contract/stop.ts';
import { EstopError } from '../../src/core/errors.ts';
import { latch } from '../../src/store/latch.ts';
import { ledgerFigures } from '../../src/store/ledger-figures.ts';
import { fireTrigger, pruneFirings, refuseTrigger } from '../../src/store/triggers.ts';
import { firingRound } from '../../src/workers/relay/firing-round.ts';
import { newsRound } from '../../src/workers/relay/news-round.ts';
import { createDatabase } from '../kit/postgres.ts';
import { recordingLog } from '../revocation/rig.ts';
import { agentSpec, type Ledger, makeLedger, newId, order } from '../store/ledger.ts';

describe('one round over what alerts asked for, and one over the news of the ledger', () => {
  let ledger: Ledger;
  const latched: StopOrder[] = [];
  const agents = ['one', 'poison', 'three'].map((name) => agentSpec(name));
  const rules = [{ match: { event: 'budget.ended' }, scope: 'agent:{agent}', action: 'hold' as const }];
  const config: EstopConfig = {
    environment: 'test',
    trustDomain: 'example.org',
    agents,
    connectors: [],
    toolServers: [],
    models: [],
    triggers: [
      { triggerId: 'first', from: 'ledger', secrets: [], rules },
      { triggerId: 'second', from: 'ledger', secrets: [], rules },
    ],
  };
  const { log } = recordingLog();
  const store = () => ledger.as('estop_revoker');
  const accepted = (placed: StopOrder) => latchAccepted({ store: store(), environment: 'test', log }, placed);
  /** What this one throws for `agent:poison` is thrown by the store for what it will never take. */
  const latchOrders = (refusal: () => unknown = () => new EstopError('invalid-input')) =>
    firingRound({
      store: store(),
      latch: async (placed) => {
        if (placed.scopeKey === 'agent:poison') throw refusal();
        const latchedAs = await accepted(placed);
        latched.push(placed);
        return latchedAs;
      },
      log,
    }).run();
  const judgeNews = () => newsRound({ store: store(), config: () => config, log }).run();
  const stop = { triggerId: 'spend', action: 'stop', category: 0, graceMs: 0, reason: 'x' } as const;
  const fire = (alertId: string, scopeKey: string, stopId = newId('stop')) =>
    fireTrigger(ledger.as('estop_control'), { ...stop, alertId, scopeKey, stopId });
  const fired = async () =>
    (
      await ledger.sql(
        "SELECT trigger_id || ' ' || scope_key AS what FROM estop.trigger_firings WHERE action = 'hold' ORDER BY 1",
      )
    ).map(({ what }) => what);
  const isLatched = (alertId: string) => latched.some(({ scopeKey }) => scopeKey === `agent:${alertId}`);
  const allDue = async () => {
    await ledger.sql('UPDATE estop.trigger_firings SET next_at = clock_timestamp()');
    await ledger.sql('UPDATE estop.notices SET judge_at = clock_timestamp() WHERE judge_attempts > 0');
  };
  const told = async () =>
    (
      await ledger.sql(
        "SELECT nth, facts->>'why' AS why FROM estop.notices WHERE event = 'trigger.refused' ORDER BY seq",
      )
    ).map(({ nth, why }) => `${String(nth)}: ${String(why)}`);
  const firingOf = async (alertId: string) =>
    (await ledger.sql('SELECT * FROM estop.trigger_firings WHERE alert_id = $1', [alertId]))[0];

  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
    // The store takes everything but what one trigger makes of one agent.
    await ledger.sql(`CREATE FUNCTION estop.refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.trigger_id = 'first' AND NEW.scope_key = 'agent:poison' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$`);
    await ledger.sql(
      'CREATE TRIGGER refuse_one BEFORE INSERT ON estop.trigger_firings FOR EACH ROW EXECUTE FUNCTION estop.refuse_one()',
    );
  });

  it('goes on past a notice, a trigger and an order that fail, and comes back to them', async () => {
    for (const { agentId } of agents)
      await ledger.sql("SELECT estop.add_notice('budget.ended', $1, '1', ARRAY[$1], '{}', NULL)", [agentId]);
    for (const name of ['poison', 'three']) await fire(name, `agent:${name}`);
    await latchOrders();
    expect(latched.map(({ scopeKey }) => scopeKey)).toEqual(['agent:three']);
    await judgeNews();
    const all = ['first', 'second'].flatMap((trigger) =>
      ['one', 'poison', 'three'].map((name) => `${trigger} agent:${name}`),
    );
    expect(await fired()).toEqual(all.filter((what) => what !== 'first agent:poison'));
    await ledger.sql('ALTER TABLE estop.trigger_firings DISABLE TRIGGER refuse_one');
    await allDue();
    await judgeNews();
    expect(await fired()).toEqual(all);
    expect(await ledger.sql('SELECT 1 FROM estop.notices WHERE judged_at IS NULL')).toEqual([]);
  });

  it('an order that is refused for good is tried five times, told, and tried again when its alert comes again', async () => {
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await allDue();
      await latchOrders();
    }
    expect(await firingOf('poison')).toMatchObject({ attempts: 5, failure: 'invalid-input' });
    expect((await firingOf('poison'))?.['failed_at']).not.toBeNull();
    expect(await ledgerFigures(store())).toMatchObject({ firingsGivenUp: 1, oldestFiringSeconds: 0 });
    expect(await told()).toEqual(['poison/given-up: its stop of agent:poison could not be latched (invalid-input)']);
    // Nobody answers for it any more, so it is not kept for ever.
    await ledger.sql(
      "UPDATE estop.trigger_firings SET seen_at = seen_at - interval '9 days' WHERE alert_id = 'poison'",
    );
    await fire('poison', 'agent:mended');
    await latchOrders();
    expect(latched.map(({ scopeKey }) => scopeKey)).toEqual(['agent:three', 'agent:mended']);
    await fire('gone', 'agent:poison');
    await ledger.sql(
      "UPDATE estop.trigger_firings SET failed_at = now(), seen_at = now() - interval '9 days' WHERE alert_id = 'gone'",
    );
    await pruneFirings(store(), 2 * 86_400_000, 500);
    expect(await firingOf('gone')).toBeUndefined();
  });

  it('an order that may go through in a moment is not given up in less than a day, and people hear that it takes long', async () => {
    await fire('late', 'agent:poison');
    for (let attempt = 0; attempt < 120; attempt += 1) {
      await allDue();
      await latchOrders(() => new Error('not now'));
    }
    expect(await firingOf('late')).toMatchObject({ attempts: 120, failed_at: null });
    await ledger.sql(
      "UPDATE estop.trigger_firings SET fired_at = fired_at - interval '1 hour' WHERE alert_id = 'late'",
    );
    expect((await ledgerFigures(store())).oldestFiringSeconds).toBeGreaterThan(3_600);
    expect((await told()).at(-1)).toBe('late/late: its stop of agent:poison is not latched yet (internal)');
    await ledger.sql(
      "UPDATE estop.trigger_firings SET fired_at = fired_at - interval '25 hours' WHERE alert_id = 'late'",
    );
    await allDue();
    await latchOrders(() => new Error('not now'));
    expect((await firingOf('late'))?.['failed_at']).not.toBeNull();
  });

  it('each time that one is given up is told, however much else the trigger could do nothing about', async () => {
    for (let nth = 0; nth < 8; nth += 1) await refuseTrigger(store(), 'spend', `noise-${nth}`, 'it names nobody');
    const giveUp = async () => {
      await fire('again', 'agent:poison');
      for (let attempt = 0; attempt < 6; attempt += 1) {
        await allDue();
        await latchOrders();
      }
      const seen = await ledger.sql(
        "SELECT nth FROM estop.notices WHERE nth LIKE 'again/%' AND quiet IS NULL ORDER BY seq",
      );
      return seen.map(({ nth }) => nth);
    };
    expect(await giveUp()).toEqual(['again/given-up']);
    expect(await giveUp()).toEqual(['again/given-up', expect.stringMatching(/^again\/given-up\/\d+$/)]);
    // A crowd of them is one trouble.
    for (let nth = 0; nth < 8; nth += 1) await fire(`crowd-${nth}`, 'agent:poison');
    await giveUp();
    const crowd = await ledger.sql("SELECT 1 FROM estop.notices WHERE nth ~ '/given-up' AND quiet IS NULL");
    expect(crowd.length).toBeLessThanOrEqual(7);
  });

  it('one that was given up and is asked for again has a day again', async () => {
    await fire('anew', 'agent:poison');
    const old =
      "UPDATE estop.trigger_firings SET fired_at = fired_at - interval '25 hours', attempts = 99 WHERE alert_id = 'anew'";
    await ledger.sql(old);
    await allDue();
    await latchOrders(() => new Error('not now'));
    expect((await firingOf('anew'))?.['failed_at']).not.toBeNull();
    await fire('anew', 'agent:poison');
    await ledger.sql("UPDATE estop.trigger_firings SET attempts = 99 WHERE alert_id = 'anew'");
    await allDue();
    await latchOrders(() => new Error('not now'));
    expect(await firingOf('anew')).toMatchObject({ attempts: 100, failed_at: null });
    await ledger.sql("UPDATE estop.trigger_firings SET failed_at = now() WHERE alert_id = 'anew'");
  });

  it('two hundred orders that fail each time keep no newer one waiting', async () => {
    for (let nth = 0; nth < 200; nth += 1) await fire(`old-${nth}`, 'agent:poison');
    await latchOrders(() => new Error('not now'));
    await allDue();
    await fire('newer', 'agent:newer');
    await latchOrders(() => new Error('not now'));
    expect(isLatched('newer')).toBe(true);
    await ledger.sql('UPDATE estop.trigger_firings SET failed_at = now() WHERE latched_at IS NULL');
  });

  it('two hundred events that cannot be answered keep no newer one waiting, and are told when they are given up', async () => {
    await ledger.sql('ALTER TABLE estop.trigger_firings ENABLE TRIGGER refuse_one');
    for (let nth = 0; nth < 200; nth += 1)
      await ledger.sql("SELECT estop.add_notice('budget.ended', 'poison', $1, ARRAY['poison'], '{}', NULL)", [
        `p${nth}`,
      ]);
    await judgeNews();
    await allDue();
    await ledger.sql("SELECT estop.add_notice('budget.ended', 'three', '2', ARRAY['three'], '{}', NULL)");
    await judgeNews();
    const open = () =>
      ledger.sql('SELECT DISTINCT subject FROM estop.notices WHERE judged_at IS NULL AND event <> $1', [
        'trigger.refused',
      ]);
    expect(await open()).toEqual([{ subject: 'poison' }]);
    await ledger.sql(
      "UPDATE estop.notices SET judge_attempts = 99, noted_at = noted_at - interval '25 hours' WHERE judged_at IS NULL AND event = 'budget.ended'",
    );
    for (let round = 0; round < 4; round += 1) await judgeNews();
    expect(await open()).toEqual([]);
    expect((await told()).at(-1)).toMatch(/given-up: budget.ended of poison could not be answered \(internal\)$/);
    await ledger.sql('ALTER TABLE estop.trigger_firings DISABLE TRIGGER refuse_one');
  });

  it('two hundred orders under ids that are those of other stops are latched under others, once', async () => {
    const ids = Array.from({ length: 200 }, () => newId('stop'));
    for (const stopId of ids) await latch(ledger.as('estop_stop'), { ...order('agent:elsewhere'), stopId });
    for (const [nth, stopId] of ids.entries()) await fire(`taken-${nth}`, 'agent:taken', stopId);
    await latchOrders();
    await fire('newest', 'agent:newest');
    await latchOrders();
    expect(isLatched('newest')).toBe(true);
    const taken = await ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'agent:taken'");
    const noted =
      'SELECT 1 FROM estop.trigger_firings f JOIN estop.stops s ON s.stop_id = f.latched_as AND s.scope_key = f.scope_key';
    expect([taken.length, (await ledger.sql(noted)).length]).toEqual([200, 200]);
  });

  it('is latched while nobody can look at the news, or tell them', async () => {
    const holder = await ledger.session();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE estop.notices, estop.notice_deliveries IN ACCESS EXCLUSIVE MODE');
    await fire('unhindered', 'agent:unhindered');
    await latchOrders();
    expect(isLatched('unhindered')).toBe(true);
    await holder.query('ROLLBACK');
  });
});
