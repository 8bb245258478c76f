import { beforeAll, expect, it } from 'vitest';
import { drawCard } from '../../src/activities/notices/card.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { recordConfig } from '../../src/store/config-versions.ts';
import { listNotices, noteNews } from '../../src/store/notices.ts';
import { noteTools, type SeenTool } from '../../src/store/tool-pins.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { terms } from './calls.ts';
import { addAgent, digestOf, type Ledger, makeLedger, newId, startTask } from './ledger.ts';

const limits = { windowMs: 86_400_000, crowd: 1_000, crowdMs: 60_000, flood: 5, lostMs: 10_000 };
const pay = (tier: SeenTool['tier'], hash: string): SeenTool => ({
  tool: 'pay',
  tier,
  hash: hash.repeat(64),
  definition: '{}',
  labels: [],
  because: 'its name',
  look: 'pay',
});

onEveryPostgres('the risk of what people are told waits', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });
  /** The card that is drawn of one more call, as Slack is sent it. */
  const card = async (): Promise<string> => {
    const task = await startTask(ledger, await addAgent(ledger));
    const approvalId = newId('appr');
    await requestApproval(ledger.as('estop_gateway'), {
      approvalId,
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: 'tool:bank/pay',
      digest: digestOf(approvalId),
      shown: '{}',
      ttlMs: 60_000,
      ...terms,
    });
    await noteNews(ledger.as('estop_revoker'), limits);
    const notices = await listNotices(ledger.as('estop_control'), { subject: approvalId });
    expect(notices).toHaveLength(1);
    const options = { consoleUrl: 'https://estop.example.org', environment: 'test', hasButtons: false };
    return JSON.stringify(drawCard(notices, options).blocks);
  };

  it('the card names the tier of the tool and who says so: estop.yaml, else the accepted definition, else that nobody knows', async () => {
    expect(await card()).toContain('Risk tier: unknown, the tool is not on record.');
    const gateway = ledger.as('estop_gateway');
    await noteTools(gateway, 'bank', [pay('write', 'a')]);
    await noteTools(gateway, 'bank', [pay('read', 'b')]);
    expect(await card()).toContain('Risk tier: write, as proposed.');
    const decide = (serverId: string, tiers: object) =>
      recordConfig(ledger.as('estop_control'), 'ada', newId('req'), { toolServers: [{ serverId, tiers }] });
    await decide('shop', { pay: 'read' });
    await decide('bank', { refund: 'read' });
    expect(await card()).toContain('Risk tier: write, as proposed.');
    await decide('bank', { pay: 'destructive' });
    expect(await card()).toContain('Risk tier: destructive, as estop.yaml decides.');
  });
});
