import { beforeAll, describe, expect, it } from 'vitest';
import { ApprovalPage } from '../../src/contract/http/approvals.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { noteTools, type SeenTool } from '../../src/store/tool-pins.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, newId, startTask } from '../store/ledger.ts';
import { type ControlRig, makeControl } from './rig.ts';

describe('the risk of what waits', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
  });

  it('what waits is listed with the tier of its tool and who decided that, the accepted definition before any other', async () => {
    const task = await startTask(rig.ledger, agentSpec('billing-bot'));
    await requestApproval(rig.ledger.as('estop_gateway'), {
      approvalId: newId('appr'),
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: 'tool:bank/pay',
      digest: digestOf('{}'),
      shown: '{}',
      ttlMs: 60_000,
      ...terms,
    });
    const risk = async (config = rig.deps.config.current()) => {
      const own = rig.withDeps({ config: { current: () => config } });
      const { body } = await own.call('GET', `/v1/approvals?task=${task.taskId}`, { as: 'approver' });
      return ApprovalPage.parse(body).items.map((item) => item.risk);
    };
    expect(await risk()).toEqual([null]);
    const pay = (tier: SeenTool['tier'], hash: string): SeenTool => ({
      tool: 'pay',
      tier,
      hash: hash.repeat(64),
      definition: '{}',
      labels: [],
      because: 'its name',
      look: 'pay',
    });
    await noteTools(rig.ledger.as('estop_gateway'), 'bank', [pay('write', 'a')]);
    await noteTools(rig.ledger.as('estop_gateway'), 'bank', [pay('read', 'b')]);
    expect(await risk()).toEqual([{ tier: 'write', by: 'proposed' }]);
    const bank = { serverId: 'bank', url: 'https://bank.example.com/mcp', tiers: { pay: 'destructive' as const } };
    const decided = { ...rig.deps.config.current(), toolServers: [bank] };
    expect(await risk(decided)).toEqual([{ tier: 'destructive', by: 'estop.yaml' }]);
  });
});
