import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/contract/config.ts';
import { openTaskFlow } from '../../../src/control/open-task-flow.ts';
import { readPolicyFolder } from '../../../src/policy/read-folder.ts';
import { createFlowKeys } from '../../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../../src/runtime/keys/key-ring.ts';
import { policiesFolder } from '../../../src/runtime/package-root.ts';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { ask, type ModelRig, makeModelRig, providerKey, question, writer } from '../model/model-rig.ts';
import { closeAfterAll, envelope, postRaw, type RunningGateway, until, untilReady } from '../rig.ts';
import { type OfficeServer, startOffice } from './office-server.ts';

const clerk: AgentSpec = { ...writer, agentId: 'clerk', tools: { 'office/*': 'allow' } };
const policies = {
  ...readPolicyFolder(policiesFolder),
  'team.cedar': `@id("home") @deny("Private data stays here.")
    forbid (principal, action in [Action::"model", Action::"resource"], resource) when { context.reads.private };`,
};

let bed: ModelRig;
let office: OfficeServer;
let second: RunningGateway;
beforeAll(async () => {
  bed = await makeModelRig({ policies: readPolicyFolder(policiesFolder) });
  office = await startOffice();
  closeAfterAll(() => office.close());
  await bed.addAgent(clerk);
  bed.rig.configure((config) => ({
    ...config,
    toolServers: [...config.toolServers, { serverId: 'office', url: office.url }],
  }));
  second = await bed.rig.startGateway({ policies, readSecret: () => providerKey });
  await untilReady(second);
});

const begin = async (): Promise<{ readonly task: TaskRecord; readonly token: string }> => {
  const task = await bed.rig.startTask(clerk);
  const flowKeys = createFlowKeys(openKeyRing(bed.rig.keysFolder, 'flow', 'test'));
  const opened = { taskId: task.taskId, agent: clerk, request: 'Read my notes.' };
  await openTaskFlow({ store: bed.rig.ledger.as('estop_control'), flowKeys }, opened);
  return { task, token: await bed.rig.token(task) };
};
const read = async (gateway: RunningGateway, token: string): Promise<string> => {
  const uri = 'mcp.office+note://today';
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri, _meta: envelope } });
  const version = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'resources/read', 'mcp-name': uri };
  return JSON.stringify((await postRaw(gateway, body, { authorization: `Bearer ${token}`, ...version })).body);
};
const askModel = (token: string) => ask({ gateway: second }, token, question);

it('what a task has read at one gateway is known to the policies of models and resources at every other', async () => {
  office.inbox = 'The private plans.';
  const { task, token } = await begin();
  // So that the second gateway has looked at the memory while there was nothing in it.
  expect((await askModel(token)).status).toBe(200);
  const asked = bed.provider.asked.length;
  await until(async () => (await read(bed.gateway, token)).includes('private plans'));
  await until(async () => {
    const query = 'SELECT seq FROM estop.task_flows WHERE root_id = $1';
    return Number((await bed.rig.ledger.sql(query, [task.taskId]))[0]?.['seq']) === 2;
  });
  const refused = await askModel(token);
  expect([refused.status, refused.code]).toEqual([403, 'denied-by-policy']);
  expect(bed.provider.asked.length).toBe(asked);
  const other = await begin();
  expect((await askModel(other.token)).status).toBe(200);
  await read(bed.gateway, other.token);
  expect(await read(second, other.token)).toContain('"home"');
});

it('while another gateway has a read of it under way, nothing is known of the task there', async () => {
  const { task, token } = await begin();
  expect((await askModel(token)).status).toBe(200);
  let open = (): void => undefined;
  office.gate = new Promise((resolve) => {
    open = resolve;
  });
  const name = 'office__read_inbox';
  const params = { name, arguments: {}, _meta: envelope };
  const version = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const reading = postRaw(bed.gateway, body, { authorization: `Bearer ${token}`, ...version });
  await until(async () => {
    const query = 'SELECT 1 FROM estop.calls WHERE root_id = $1 AND NOT observed';
    return (await bed.rig.ledger.sql(query, [task.taskId])).length === 1;
  });
  const refused = await askModel(token);
  open();
  await reading;
  expect([refused.status, refused.code]).toEqual([403, 'denied-by-policy']);
});
