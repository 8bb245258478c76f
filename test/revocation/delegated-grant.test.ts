import { beforeAll, describe, expect, it } from 'vitest';
import { createGrantActivities } from '../../src/activities/grant.ts';
import type { AgentSpec } from '../../src/contract/config.ts';
import { listGrants } from '../../src/store/grants.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { steeredConnector } from '../agent-task/steered-connector.ts';
import { createDatabase } from '../kit/postgres.ts';
import { addAgent, type Ledger, makeLedger, newId, startChild, startTask } from '../store/ledger.ts';
import { recordingLog } from './rig.ts';

describe('a grant of a task that another task has started', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const grants = [{ name: 'db', connector: 'steered', lifeMs: 60_000, options: {} }];
  const mint = (taskId: string, agents: readonly AgentSpec[]) => {
    const { issueGrant } = createGrantActivities({
      store: ledger.as('estop_trusted'),
      config: { current: () => ({ agents, toolServers: [], environment: 'test' }) as never },
      connectors: steeredConnector().directory,
      sealer: { seal: (plain) => plain, open: (sealed) => sealed },
      judgeGrant: async () => undefined,
      log: recordingLog().log,
    });
    return inActivity(() => issueGrant({ taskId, grantId: newId('grant'), name: 'db' }));
  };

  it.each([
    ['has none like it', {}, { issued: false, reason: 'not-delegated' }],
    ['has one like it', { grants }, { issued: true }],
    ['lends what it has not', { delegation: 'own' }, { issued: true }],
  ] as const)('is issued as far as the agent that it works for may have it: one that %s', async (_what, has, said) => {
    const own = await addAgent(ledger, { grants });
    const parent = await addAgent(ledger, { ...has, mayStart: [own.agentId] });
    const child = await startChild(ledger, await startTask(ledger, parent), parent, own);
    expect(await mint(child.taskId, [parent, own])).toEqual(said);
    const { items } = await listGrants(ledger.as('estop_control'), { taskId: child.taskId });
    expect(items.map(({ state }) => state)).toEqual(said.issued ? ['issued'] : []);
  });
});
