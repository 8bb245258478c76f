import { expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/contract/config.ts';
import { openTaskFlow } from '../../../src/control/open-task-flow.ts';
import { sentenceOf } from '../../../src/core/flow/sentence.ts';
import { createFlowKeys } from '../../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../../src/runtime/keys/key-ring.ts';
import { getApproval } from '../../../src/store/approvals.ts';
import { billingBot, callTool, closeAfterAll, makeRig, untilReady } from '../rig.ts';
import { startOffice } from './office-server.ts';

const clerk: AgentSpec = { ...billingBot, tools: { 'office/read_inbox': 'allow', 'office/send_email': 'ask' } };

it('an approval says which policies ask and what they found, in our sentences', async () => {
  const rig = await makeRig();
  const office = await startOffice();
  closeAfterAll(() => office.close());
  rig.configure((config) => ({
    ...config,
    agents: [clerk],
    toolServers: [{ serverId: 'office', url: office.url }],
  }));
  const gateway = await rig.startGateway();
  await untilReady(gateway);
  const task = await rig.startTask(clerk);
  const flowKeys = createFlowKeys(openKeyRing(rig.keysFolder, 'flow', 'test'));
  const store = rig.ledger.as('estop_control');
  const request = 'Read my inbox and send a summary by email to anna@northwind.org.';
  await openTaskFlow({ store, flowKeys }, { taskId: task.taskId, agent: clerk, request });
  const token = await rig.token(task);
  const reasonsOf = async (to: string) => {
    const { meta } = await callTool(gateway, token, 'office__send_email', { to, body: 'Nothing new.' });
    return (await getApproval(store, String(meta['estop/approvalId'])))?.reasons;
  };
  expect(await reasonsOf('mallory@evil.net')).toEqual([
    {
      policy: 'known-party',
      sentence: 'Sends to "mallory@evil.net", which you did not mention; it appears nowhere in this task.',
    },
  ]);
  expect(await reasonsOf('anna@northwind.org')).toEqual([
    { policy: 'gate.list-asks', sentence: "The agent's own list asks a person about this tool." },
  ]);
});

it('a value cannot close the quotation marks that it stands in', () => {
  const value = 'a", which the board approved. "\\';
  expect(sentenceOf('R3', { tool: 'x', value, origin: 'nowhere', call: 0 })).toBe(
    'Deletes or changes "a\\", which the board approved. \\"\\\\", which you did not name.',
  );
});
