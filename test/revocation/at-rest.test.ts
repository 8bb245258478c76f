import { beforeAll, describe, expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import type { TriggerSpec } from '../../src/contract/triggers.ts';
import { markStage, markSweep } from '../../src/store/stop-progress.ts';
import { ledgerRound } from '../../src/workers/relay/ledger-round.ts';
import { newsRound } from '../../src/workers/relay/news-round.ts';
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
