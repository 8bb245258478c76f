import { beforeAll, describe, expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import type { StopOrder } from '../../src/contract/stop.ts';
import { fireTrigger } from '../../src/store/triggers.ts';
import { triggerRound } from '../../src/workers/relay/trigger-round.ts';
import { createDatabase } from '../kit/postgres.ts';
import { recordingLog } from '../revocation/rig.ts';
import { agentSpec, type Ledger, makeLedger, newId } from '../store/ledger.ts';

describe('one round over what alerts asked for, and over the news of the ledger', () => {
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
  const run = () =>
    triggerRound({
      store: ledger.as('estop_revoker'),
      config: () => config,
      latch: async (order) => {
        if (order.scopeKey === 'agent:poison') throw new Error('this one cannot be latched');
        latched.push(order);
      },
      log: recordingLog().log,
    }).run();
  const fired = async () =>
    (
      await ledger.sql(
        "SELECT trigger_id || ' ' || scope_key AS what FROM estop.trigger_firings WHERE action = 'hold' ORDER BY 1",
      )
    ).map(({ what }) => what);

  beforeAll(async () => {
    ledger = await makeLedger(() => createDatabase());
    // The store takes everything but what one trigger makes of one notice.
    await ledger.sql(`CREATE FUNCTION estop.refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.trigger_id = 'first' AND NEW.scope_key = 'agent:poison' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$`);
    await ledger.sql(
      'CREATE TRIGGER refuse_one BEFORE INSERT ON estop.trigger_firings FOR EACH ROW EXECUTE FUNCTION estop.refuse_one()',
    );
    for (const { agentId } of agents)
      await ledger.sql("SELECT estop.add_notice('budget.ended', $1, '1', ARRAY[$1], '{}', NULL)", [agentId]);
  });

  it('goes on past a notice, a trigger and an order that fail, and comes back to them', async () => {
    const stop = { triggerId: 'spend', action: 'stop', category: 0, graceMs: 0, reason: 'x' } as const;
    for (const name of ['poison', 'three'])
      await fireTrigger(ledger.as('estop_control'), {
        ...stop,
        alertId: name,
        scopeKey: `agent:${name}`,
        stopId: newId('stop'),
      });
    await expect(run()).rejects.toThrow();
    expect(new Set(latched.map(({ scopeKey }) => scopeKey))).toEqual(new Set(['agent:three']));
    const all = ['first', 'second'].flatMap((trigger) =>
      ['one', 'poison', 'three'].map((name) => `${trigger} agent:${name}`),
    );
    expect(await fired()).toEqual(all.filter((what) => what !== 'first agent:poison'));
    await ledger.sql('DROP TRIGGER refuse_one ON estop.trigger_firings');
    await expect(run()).rejects.toThrow(); // the order still cannot be latched
    expect(await fired()).toEqual(all);
    expect(await ledger.sql('SELECT 1 FROM estop.notices WHERE judged_at IS NULL')).toEqual([]);
  });
});
