import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, inject, it } from 'vitest';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { until } from '../revocation/rig.ts';
import { type Ledger, makeLedger, newId } from '../store/ledger.ts';
import { type Answer, type StopProcess, startStopProcess } from './stop-process.ts';

const nobody = '127.0.0.1:9';

requires('temporal')('the orders of agent workers', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const ready = async (temporalAddress: string): Promise<StopProcess> => {
    const stops = await startStopProcess(ledger.urls.estop_stop, temporalAddress);
    await until(async () => (await stops.get('/readyz')).body['latch'] === 'ok');
    return stops;
  };
  const kills = (stops: StopProcess, count: number): Promise<Answer[]> =>
    Promise.all(Array.from({ length: count }, () => stops.send({ scopeKey: `task:${newId('task')}` }, 'robot')));
  const whileStalled = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    const blocker = await ledger.session();
    await blocker.query('BEGIN');
    await blocker.query('SELECT 1 FROM estop.latch_order FOR UPDATE');
    try {
      return await work();
    } finally {
      await blocker.query('ROLLBACK');
    }
  };
  const statesOf = (answers: readonly Answer[]) =>
    new Set(answers.map(({ status, body }) => `${status} ${body['code']}`));

  it('are refused at once while the store stalls, and never reach the intake, where people’s orders go', async () => {
    const stops = await ready(inject('temporalAddress'));
    await until(async () => (await stops.get('/readyz')).body['intake'] === 'ok');
    const [fleet, answers] = await whileStalled(() =>
      Promise.all([stops.send({ scopeKey: 'fleet' }), kills(stops, 100)]),
    );
    expect([fleet.status, fleet.body['state']]).toEqual([202, 'accepted']);
    expect(statesOf(answers)).toEqual(new Set(['503 store-unavailable']));
  });

  it('stand before nobody: a stop of the fleet is latched once the store is well, hundreds of kills or none', async () => {
    const stops = await ready(nobody);
    const [fleet, answers] = await whileStalled(async () => {
      const flood = kills(stops, 300);
      await sleep(50);
      const mine = stops.send({ scopeKey: 'fleet', stopId: newId('stop') });
      const refused = await flood; // while the store still stalls
      return [() => mine, refused] as const;
    }).then(async ([mine, refused]) => [await mine(), refused] as const);
    expect(statesOf(answers)).toEqual(new Set(['503 store-unavailable']));
    expect([fleet.status, fleet.body['state']]).toEqual([200, 'latched']);
    expect((await kills(stops, 1)).map(({ status }) => status)).toEqual([200]);
  });
});
