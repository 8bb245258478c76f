import { beforeAll, describe, expect, it } from 'vitest';
import { createGrantActivities } from '../../src/activities/grant.ts';
import type { Connector } from '../../src/connectors/kit/contract.ts';
import type { AgentSpec } from '../../src/contract/config.ts';
import { taskKey } from '../../src/core/scope-key.ts';
import { listGrants } from '../../src/store/grants.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { steeredConnector } from '../agent-task/steered-connector.ts';
import { createDatabase } from '../kit/postgres.ts';
import { addAgent, type Ledger, makeLedger, newId, startTask, stop } from '../store/ledger.ts';
import { recordingLog } from './rig.ts';

describe('a grant whose plan says that generations share its target', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });

  /** The system itself keeps generations apart; what is said of one grant is in its plan. */
  const mints = (agent: AgentSpec, shared: boolean, onIntended: () => Promise<unknown> = async () => undefined) => {
    const steered = steeredConnector();
    const held = steered.directory.get('');
    const connector: Connector = {
      ...held.connector,
      plan: (request) => ({ ...held.connector.plan(request), shared }),
    };
    const pool = ledger.as('estop_trusted');
    let calls = 0;
    // Whatever happens between the intent and the second look of a mint happens here.
    const store = new Proxy(pool, {
      get: (target, property, receiver) => {
        if (property !== 'query') return Reflect.get(target, property, receiver);
        return async (statement: { readonly name?: string }) => {
          if (statement.name === 'estop_mint_recheck' && (calls += 1) === 1) await onIntended();
          return target.query(statement as never);
        };
      },
    });
    const { issueGrant } = createGrantActivities({
      store,
      config: { current: () => ({ agents: [agent], environment: 'test' }) as never },
      connectors: { get: () => ({ system: held.system, connector }) },
      sealer: { seal: (plain) => plain, open: (sealed) => sealed },
      judgeGrant: async () => undefined,
      log: recordingLog().log,
    });
    return (taskId: string) =>
      inActivity(() => issueGrant({ taskId, grantId: newId('grant'), name: 'db' })).catch((thrown: unknown) => thrown);
  };
  const agentOf = () =>
    addAgent(ledger, { grants: [{ name: 'db', connector: 'steered', lifeMs: 60_000, options: {} }] });

  it('takes its turn there: none is issued while one that a stop killed is open, although the system is not shared', async () => {
    const agent = await agentOf();
    const [task, next] = [await startTask(ledger, agent), await startTask(ledger, agent)];
    const shared = mints(agent, true);
    expect(await shared(task.taskId)).toEqual({ issued: true });
    await stop(ledger, taskKey(task.taskId));
    expect(await shared(next.taskId)).toMatchObject({ code: 'target-busy' });
    expect(await mints(agent, false)(next.taskId)).toEqual({ issued: true });
  });

  it('may be tried again under another id where the stop came after its intent', async () => {
    const agent = await agentOf();
    const [task, next] = [await startTask(ledger, agent), await startTask(ledger, agent)];
    expect(await mints(agent, true)(task.taskId)).toEqual({ issued: true });
    const late = mints(agent, true, () => stop(ledger, taskKey(task.taskId)));
    expect(await late(next.taskId)).toEqual({ issued: false, reason: 'target-busy', mayTryAgain: true });
    const { items } = await listGrants(ledger.as('estop_control'), { taskId: next.taskId });
    expect(items).toMatchObject([{ state: 'ended', endReason: 'never-issued', shared: true }]);
  });
});
