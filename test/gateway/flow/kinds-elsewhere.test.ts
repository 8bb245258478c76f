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

const reach = async (gateway: RunningGateway, token: string, method: string, params: Record<string, unknown>) => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: envelope } });
  const name = params['name'] ?? params['uri'];
  const headers = {
    'authorization': `Bearer ${token}`,
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
  return JSON.stringify((await postRaw(gateway, body, headers)).body);
};
const brief = { name: 'office__brief' };
const complete = { ref: { type: 'ref/prompt', ...brief } };

it('no prompt, completion or address carries off what was read, at any gateway; what the user said goes', async () => {
  const { token } = await begin();
  office.inbox = 'The code of the safe is KX-4471-Q. The merger with Fabrikam closes on Friday.';
  office.told.length = 0;
  // Until its tools are known.
  const inbox = { name: 'office__read_inbox', arguments: {} };
  await until(async () => (await reach(bed.gateway, token, 'tools/call', inbox)).includes('safe'));
  const stolen = ['KX-4471-Q', 'kx 4471 q', 'S1gtNDQ3MS1R', 'merger with Fabrikam closes', office.inbox.repeat(90)];
  for (const gateway of [bed.gateway, second])
    for (const text of stolen) {
      const denied = async (method: string, params: Record<string, unknown>): Promise<void> =>
        expect(await reach(gateway, token, method, params), text).toContain('"estop/policies":["known-words"]');
      await denied('prompts/get', { ...brief, arguments: { topic: text } });
      await denied('prompts/get', { ...brief, arguments: { topic: { deep: [[text]] } } });
      await denied('prompts/get', { ...brief, arguments: { topic: 'a', [text]: '' } });
      await denied('completion/complete', { ...complete, argument: { name: 'topic', value: text } });
      const context = { arguments: { before: text } };
      await denied('completion/complete', { ...complete, argument: { name: 'topic', value: 'a' }, context });
    }
  expect(await reach(bed.gateway, token, 'prompts/get', { name: 'office__KX-4471-Q' })).toContain('known-words');
  for (const uri of [
    'KX-4471-Q',
    'page://KX-4471-Q',
    'page://x%2FKX-4471-Q',
    'page://x%252FKX-4471-Q',
    'page://a?b=KX-4471-Q',
    'page://a:KX-4471-Q%ff',
  ])
    expect(await reach(bed.gateway, token, 'resources/read', { uri: `mcp.office+${uri}` }), uri).toContain(
      'known-words',
    );
  expect(office.told).toEqual([]);
  for (const gateway of [bed.gateway, second])
    expect(await reach(gateway, token, 'prompts/get', { ...brief, arguments: { topic: 'my notes' } })).toContain(
      'brief.',
    );
  expect(await reach(bed.gateway, token, 'resources/read', { uri: 'mcp.office+page://notes' })).toContain('A page.');
  expect(office.told).toEqual(['my notes', 'my notes', 'page://notes']);
});

it('nothing is told to a server with a prompt while it is not known what the task has read; what says nothing is read', async () => {
  const { task, token } = await begin();
  await bed.rig.ledger.sql("UPDATE estop.task_flows SET key_id = 'gone' WHERE root_id = $1", [task.taskId]);
  office.told.length = 0;
  const words = { ...brief, arguments: { topic: 'x' } };
  expect(await reach(bed.gateway, token, 'prompts/get', words)).toContain('untraced-words');
  expect(await reach(bed.gateway, token, 'prompts/list', {})).toContain('office__brief');
  expect(office.told).toEqual([]);
});
