import { Client } from '@temporalio/client';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import type { TriggerSpec } from '../../src/contract/triggers.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { markStage, markSweep } from '../../src/store/stop-progress.ts';
import { ledgerRound } from '../../src/workers/relay/ledger-round.ts';
import { newsRound } from '../../src/workers/relay/news-round.ts';
import { wantRound } from '../../src/workers/relay/want-round.ts';
import { createDatabase } from '../kit/postgres.ts';
import { addAgent, agentSpec, fence, type Ledger, makeLedger, putAgents, startTask, stop } from '../store/ledger.ts';
import { addGrant } from '../store/stopped-agent.ts';
import { recordingLog } from './rig.ts';

describe('the relay while there is nothing to do', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const { log } = recordingLog();
  const config: EstopConfig = {
    environment: 'test',
    trustDomain: 'example.org',
    agents: [],
    connectors: [],
    toolServers: [],
    models: [],
  };

  it('asks seldom what no trigger waits for', async () => {
    const trigger: TriggerSpec = { triggerId: 'alert', from: 'ledger', secrets: [], rules: [] };
    const pauseWith = (triggers: readonly TriggerSpec[]): Promise<number> =>
      newsRound({ store: ledger.as('estop_revoker'), config: () => ({ ...config, triggers }), log }).run();
    expect(await pauseWith([])).toBe(1_000);
    expect(await pauseWith([trigger])).toBe(150);
  });

  it('asks seldom for grants that are wanted where none is issued at its first use', async () => {
    const agents = new Client({ connection: lazyConnection({ address: '127.0.0.1:1' }) });
    const pauseWith = (changes: Partial<EstopConfig> | undefined): Promise<number> =>
      wantRound(ledger.as('estop_revoker'), agents, () => changes && { ...config, ...changes }).run();
    const db = { name: 'db', connector: 'pg', lifeMs: 60_000, options: {} };
    const grant = { connector: 'pg', field: 'token', lifeMs: 60_000, options: {} };
    expect(await pauseWith({ agents: [agentSpec('a', { grants: [db] })] })).toBe(1_000);
    expect(await pauseWith({ agents: [agentSpec('a', { grants: [{ ...db, when: 'first-use' }] })] })).toBe(100);
    expect(await pauseWith({ toolServers: [{ serverId: 'crm', url: 'http://127.0.0.1:1', grant }] })).toBe(100);
    expect(await pauseWith(undefined)).toBe(100);
    await agents.connection.close();
  });

  it('looks once a second under the stops that are proved, and tells what has come under one since', async () => {
    const store = ledger.as('estop_revoker');
    const agent = await addAgent(ledger, agentSpec('late-bot'));
    const { stopId } = await stop(ledger, 'label:late=yes');
    await fence(ledger, stopId);
    for (const after of [0, 1]) await markSweep(store, stopId, after);
    for (const stage of ['halted', 'revoked', 'proved'] as const)
      expect(await markStage(store, stopId, stage), stage).toBe(true);
    await addGrant(ledger, await startTask(ledger, agent));

    let clock = 0;
    let told = 0;
    const round = ledgerRound(
      store,
      log,
      () => clock,
      () => void (told += 1),
    );
    const covered = async (): Promise<number> =>
      (await ledger.sql('SELECT 1 FROM estop.obligations WHERE cause_id = $1', [stopId])).length;
    await round.run();
    told = 0;
    await putAgents(ledger, [agentSpec('late-bot', { labels: { late: 'yes' } })]);
    clock = 999;
    await round.run();
    expect([told, await covered()]).toEqual([0, 0]);
    clock = 1_000;
    await round.run();
    expect([told, await covered()]).toEqual([1, 1]);
  });
});
