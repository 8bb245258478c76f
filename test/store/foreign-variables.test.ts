import { afterAll, beforeAll, beforeEach, expect, inject, it, vi } from 'vitest';
import { latchInStore } from '../../src/cli/direct/latch-in-store.ts';
import { mayLatchDirectly } from '../../src/cli/direct/may-latch.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createDatabase, type TestDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { shellVariables } from '../kit/shell-variables.ts';
import { until } from '../revocation/rig.ts';
import { startStopProcess } from '../stop/stop-process.ts';
import { type Ledger, makeLedger, newId } from './ledger.ts';

requires('temporal')('Variables that the shell of whoever starts a process is full of', () => {
  let ledger: Ledger;
  let empty: TestDatabase;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
    empty = await createDatabase();
  });
  // Nor do they reach the file that takes over this process.
  afterAll(() => vi.unstubAllEnvs());
  beforeEach(() => {
    for (const [name, value] of Object.entries(shellVariables)) vi.stubEnv(name, value);
  });

  it('keep no stop from being latched, by the stop process or past it', async () => {
    const stops = await startStopProcess(ledger.urls.estop_stop, inject('temporalAddress'));
    await until(async () => {
      const { body } = await stops.get('/readyz');
      return body['latch'] === 'ok' && body['intake'] === 'ok';
    });
    expect((await stops.send({ stopId: newId('stop'), scopeKey: 'agent:one' })).body['state']).toBe('latched');

    expect(await mayLatchDirectly(ledger.urls.estop_latch)).toBe('yes');
    const order = { stopId: newId('stop'), scopeKey: 'agent:two', category: 1, graceMs: 3_000 } as const;
    const whose = { reason: 'test', actor: 'olga', method: 'direct' } as const;
    expect(await latchInStore(ledger.urls.estop_latch, { ...order, ...whose })).toMatchObject({ epoch: 2 });
  });

  it('keep no store from being made', async () => {
    expect((await migrate(empty.url)).applied.length).toBeGreaterThan(20);
  });
});
