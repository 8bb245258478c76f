import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { isDelegated } from '../../src/activities/delegated-grant.ts';
import type { AgentSpec, EstopConfig, GrantSpec } from '../../src/contract/config.ts';
import { toolGrantName } from '../../src/contract/tool-grant.ts';
import { decideApproval } from '../../src/store/approvals.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { putAgents, startChild } from '../store/ledger.ts';
import { everythingTools, startEverythingServer } from './mcp/everything-server.ts';
import {
  billingBot,
  callTool,
  closeAfterAll,
  makeRig,
  type Reply,
  type Rig,
  type RunningGateway,
  until,
  untilReady,
} from './rig.ts';

const tools = { 'billing/*': 'allow', 'billing/send_reminder': 'allow', 'everything/*': 'allow' } as const;
/** May use everything, and is started by the others. */
const strong: AgentSpec = { ...billingBot, agentId: 'strong-bot', tools };
const weak: AgentSpec = {
  ...billingBot,
  agentId: 'weak-bot',
  tools: { 'billing/list_invoices': 'ask', 'billing/send_reminder': 'allow', 'everything/test_simple_text': 'allow' },
  approvers: { 'billing/list_invoices': 2 },
  resources: ['everything/test://static-text'],
  mayStart: ['strong-bot', 'clerk'],
};
/** Has little itself, and lends all that those whom it starts have. */
const clerk: AgentSpec = { ...billingBot, agentId: 'clerk', tools: {}, mayStart: ['strong-bot'], delegation: 'own' };
const named = (reply: Reply): unknown => reply.meta['estop/reason'] ?? reply.meta['estop/decision'] ?? 'allowed';

describe('a task that another task has started', () => {
  let rig: Rig;
  let gateway: RunningGateway;
  beforeAll(async () => {
    rig = await makeRig();
    const server = await startEverythingServer();
    closeAfterAll(() => server.stop());
    const tiers = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));
    rig.configure((config) => ({
      ...config,
      agents: [strong, weak, clerk],
      toolServers: [
        ...config.toolServers.map((one) => ({ ...one, sharedBy: ['strong-bot', 'weak-bot', 'clerk'] })),
        { serverId: 'everything', url: server.url, tiers },
      ],
    }));
    await putAgents(rig.ledger, [strong, weak, clerk]);
    gateway = await rig.startGateway();
    await untilReady(gateway);
    // As soon as both servers have been listed.
    await until(async () => (await list(await rig.startTask(strong))).length > everythingTools.length);
  });

  async function clientOf(task: TaskRecord): Promise<Client> {
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const requestInit = { headers: { authorization: `Bearer ${await rig.token(task)}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit }));
    closeAfterAll(() => client.close().catch(() => undefined));
    return client;
  }
  const list = async (task: TaskRecord): Promise<readonly string[]> =>
    (await (await clientOf(task)).listTools()).tools.map(({ name }) => name);
  const call = async (task: TaskRecord, tool: string, args: object = {}): Promise<Reply> =>
    callTool(gateway, await rig.token(task), `billing__${tool}`, args);

  it('may do no more than each agent that it works for, and is asked about where one of them is', async () => {
    const parent = await rig.startTask(weak);
    const child = await startChild(rig.ledger, parent, weak, strong);
    expect((await call(child, 'send_reminder', { invoice_id: 'INV-1' })).isError).toBe(false);
    expect(named(await call(child, 'get_invoice', { invoice_id: 'INV-1' }))).toBe('tool-not-available');
    expect((await list(child)).toSorted()).toEqual([
      'billing__list_invoices',
      'billing__send_reminder',
      'everything__test_simple_text',
    ]);
    const asked = await call(child, 'list_invoices');
    expect(named(asked)).toBe('needs-approval');
    const approvalId = String(asked.meta['estop/approvalId']);
    const decide = (actor: string) =>
      decideApproval(rig.ledger.as('estop_control'), { approvalId, decision: 'approved', actor, reason: '' });
    expect((await decide('anna')).kind).toBe('needs-second'); // the parent's agent needs two
    // Alone it may do all of that.
    const alone = await rig.startTask(strong);
    expect((await call(alone, 'get_invoice', { invoice_id: 'INV-1' })).isError).toBe(false);
    expect((await call(alone, 'list_invoices')).isError).toBe(false);
  });

  it('reads no more than they may either', async () => {
    const child = await startChild(rig.ledger, await rig.startTask(weak), weak, strong);
    const client = await clientOf(child);
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual([
      'mcp.everything+test://static-text',
    ]);
    const read = (uri: string) => client.readResource({ uri: `mcp.everything+${uri}` });
    expect((await read('test://static-text')).contents).toHaveLength(1);
    await expect(read('test://static-binary')).rejects.toThrow();
    expect((await client.listPrompts()).prompts).toEqual([]);
    const alone = await clientOf(await rig.startTask(strong));
    expect((await alone.listPrompts()).prompts.length).toBeGreaterThan(0);
  });

  it('has the rights of its own agent where all that it works for lend them, and one that does not is enough', async () => {
    const lent = await startChild(rig.ledger, await rig.startTask(clerk), clerk, strong);
    expect((await call(lent, 'get_invoice', { invoice_id: 'INV-1' })).isError).toBe(false);
    const clerkOfWeak = await startChild(rig.ledger, await rig.startTask(weak), weak, clerk);
    const laundered = await startChild(rig.ledger, clerkOfWeak, clerk, strong);
    expect(named(await call(laundered, 'get_invoice', { invoice_id: 'INV-1' }))).toBe('tool-not-available');
    expect((await call(laundered, 'send_reminder', { invoice_id: 'INV-1' })).isError).toBe(false);
  });

  it('may do nothing where an agent that it works for is in the configuration no more', async () => {
    const child = await startChild(rig.ledger, await rig.startTask(weak), weak, strong);
    let before: EstopConfig | undefined;
    rig.configure((config) => {
      before = config;
      return { ...config, agents: [strong, clerk] };
    });
    expect(named(await call(child, 'send_reminder', { invoice_id: 'INV-1' }))).toBe('tool-not-available');
    rig.configure((config) => before ?? config);
    expect((await call(child, 'send_reminder', { invoice_id: 'INV-1' })).isError).toBe(false);
  });

  it('gets no credential that an agent it works for would not get', () => {
    const grant = (name: string, options: object): GrantSpec => ({ name, connector: 'erp', lifeMs: 60_000, options });
    const holds = (agent: AgentSpec, ...grants: readonly GrantSpec[]): AgentSpec => ({ ...agent, grants });
    const task = { agentId: 'strong-bot', agents: ['strong-bot', 'weak-bot'] };
    const config = (parent: AgentSpec): EstopConfig => ({
      environment: 'test',
      trustDomain: 'test.local',
      agents: [holds(strong, grant('db', { role: 'clerk' })), parent],
      connectors: [],
      toolServers: [],
      models: [],
    });
    const mint = (parent: AgentSpec, name = 'db'): boolean =>
      isDelegated(config(parent), task, grant(name, { role: 'clerk' }));
    expect(mint(weak)).toBe(false);
    expect(mint(holds(weak, grant('other name', { role: 'clerk' })))).toBe(true);
    expect(mint(holds(weak, grant('db', { role: 'owner' })))).toBe(false);
    expect(mint({ ...weak, delegation: 'own' })).toBe(true);
    expect([mint(weak, toolGrantName('billing')), mint(weak, toolGrantName('ledger'))]).toEqual([true, false]);
  });
});
