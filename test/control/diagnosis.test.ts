import { describe, expect, it } from 'vitest';
import { Diagnosis } from '../../src/contract/http/diagnosis.ts';
import { openStore } from '../../src/store/pool.ts';
import { makeControl } from './rig.ts';

describe('what control says of itself and of what it reaches', () => {
  it('is told of the store, its settings and its migrations', async () => {
    const rig = await makeControl();
    const { status, body } = await rig.call('GET', '/v1/diagnosis', { as: 'operator' });
    expect(status).toBe(200);
    const { store, environment, identityProvider } = Diagnosis.parse(body);
    expect(environment).toBe('test');
    expect(identityProvider).toBe('none');
    expect(store?.migrations).toBe(store?.migrationsWanted);
    expect(store?.version).toMatch(/^\d+/);
    expect(store?.isReplica).toBe(false);
  });

  it('is told also where the store and Temporal are away', async () => {
    const rig = await makeControl();
    const store = openStore({ url: 'postgresql://nobody@127.0.0.1:1/none', applicationName: 'test', max: 1 });
    const workflows = { ...rig.deps.workflows, serverVersion: () => Promise.reject(new Error('away')) };
    const { status, body } = await rig.withDeps({ store, workflows }).call('GET', '/v1/diagnosis', { as: 'operator' });
    await store.end();
    expect(status).toBe(200);
    expect(Diagnosis.parse(body)).toMatchObject({ store: null, temporal: null, notifications: { failedLately: null } });
  });

  it('takes the time that a part needs to be away for no difference of clocks', async () => {
    const rig = await makeControl();
    const serverVersion = async (): Promise<never> => {
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      throw new Error('away');
    };
    const workflows = { ...rig.deps.workflows, serverVersion };
    const { body } = await rig.withDeps({ workflows }).call('GET', '/v1/diagnosis', { as: 'operator' });
    const { now, store } = Diagnosis.parse(body);
    expect(Math.abs(Date.parse(now) - Date.parse(store?.now ?? ''))).toBeLessThan(1_000);
  });
});
