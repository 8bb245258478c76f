import { beforeAll, describe, expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import type { Log } from '../../src/contract/identity.ts';
import { applyConfig, applyConfigWhenReachable } from '../../src/control/apply-config.ts';
import { currentConfig } from '../../src/store/config-versions.ts';
import { openStore } from '../../src/store/pool.ts';
import { createDatabase } from '../kit/postgres.ts';
import { agentSpec, type Ledger, makeLedger, startTask } from '../store/ledger.ts';

const configOf = (environment: string, ...agentIds: readonly string[]): EstopConfig => ({
  environment,
  trustDomain: 'example.org',
  agents: agentIds.map((agentId) => agentSpec(agentId)),
  connectors: [],
  toolServers: [],
  models: [],
});

describe('the configuration in the ledger', () => {
  let ledger: Ledger;
  const errors: object[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields) => void errors.push(fields),
  };
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const agents = async (): Promise<unknown> =>
    (await ledger.sql('SELECT agent_id FROM estop.agents WHERE retired_at IS NULL ORDER BY 1')).map(
      (row) => row['agent_id'],
    );

  it('nobody keeps a role that it no longer gives, however many people there are', async () => {
    const roles = { since: '2026-01-01T00:00:00.000000Z', role: 'operator' };
    await ledger.sql(`INSERT INTO estop.people (person_id, issuer, subject, name, person)
      SELECT 'p-' || n, 'https://id.example.org', 's-' || n, 'a' || n, 'a' || n FROM generate_series(1, 10000) n`);
    await ledger.sql(
      `INSERT INTO estop.people (person_id, issuer, subject, name, person, mandates)
        SELECT p, 'https://id.example.org', p, 'z' || p, 'z' || p, $1 FROM unnest(ARRAY['a-first', 'z-last']) p`,
      [JSON.stringify([roles])],
    );
    await applyConfig(ledger.as('estop_control'), configOf('test'), 'configuration', log);
    expect(await ledger.sql("SELECT name FROM estop.people WHERE mandates <> '[]'")).toEqual([]);
  });

  it('agents come and go with it, and the version is remembered', async () => {
    const store = ledger.as('estop_control');
    await applyConfig(store, configOf('test', 'a', 'b'), 'configuration', log);
    expect(await agents()).toEqual(['a', 'b']);
    await applyConfig(store, configOf('test', 'b', 'c'), 'configuration', log);
    expect(await agents()).toEqual(['b', 'c']);
    const version = await currentConfig(store);
    expect(version).toMatchObject({
      actor: 'configuration',
      document: { agents: [{ agentId: 'b' }, { agentId: 'c' }] },
    });
    await applyConfig(store, configOf('test', 'b', 'c'), 'configuration', log);
    expect((await currentConfig(store))?.version).toBe(version?.version);
  });

  it('an agent with open tasks cannot be configured away: nothing changes, and it is named', async () => {
    const store = ledger.as('estop_control');
    await startTask(ledger, agentSpec('c'));
    await applyConfig(store, configOf('test', 'b'), 'configuration', log);
    expect(await agents()).toEqual(['b', 'c']);
    expect(errors).toContainEqual({ event: 'config.refused', withOpenTasks: ['c'] });
    expect((await currentConfig(store))?.document).toMatchObject({ agents: [{ agentId: 'b' }, { agentId: 'c' }] });
  });

  it('a store of another environment is refused for good', async () => {
    const signal = new AbortController().signal;
    await expect(
      applyConfigWhenReachable(ledger.as('estop_control'), configOf('prod', 'a'), log, signal),
    ).rejects.toMatchObject({ code: 'foreign-environment' });
  });

  it('a store that is not up yet is waited for, and a process that ends stops waiting', async () => {
    const away = openStore({ url: 'postgres://estop_control:x@127.0.0.1:1/none', applicationName: 'away', max: 1 });
    const ending = new AbortController();
    const waiting = applyConfigWhenReachable(away, configOf('test', 'a'), log, ending.signal);
    setTimeout(() => ending.abort(), 100);
    await expect(waiting).resolves.toBeUndefined();
    await away.end();
  });
});
