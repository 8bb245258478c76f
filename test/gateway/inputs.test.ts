import dns from 'node:dns';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { openTaskFlow } from '../../src/control/open-task-flow.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { decideApproval, getApproval } from '../../src/store/approvals.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { stop } from '../store/ledger.ts';
import { type AskingServer, startAskingServer } from './mcp/asking-server.ts';
import { everythingTools, startEverythingServer } from './mcp/everything-server.ts';
import {
  billingBot,
  closeAfterAll,
  makeRig,
  post,
  type Reply,
  type Rig,
  type RunningGateway,
  until,
  untilFenced,
  untilReady,
} from './rig.ts';

const whole: AgentSpec = { ...billingBot, tools: { 'everything/*': 'allow', 'asking/look': 'allow' } };
const tool = 'test_input_required_result_elicitation';
const answer = (email: string) => ({
  inputResponses: { user_name: { action: 'accept', content: { email } } },
});

let rig: Rig;
let gateway: RunningGateway;
let asking: AskingServer;
beforeAll(async () => {
  rig = await makeRig();
  const server = await startEverythingServer();
  asking = await startAskingServer();
  closeAfterAll(async () => void (await Promise.all([server.stop(), asking.stop()])));
  const tiers = Object.fromEntries(
    everythingTools.map((name) => [name, [tool, 'test_elicitation'].includes(name) ? 'write' : 'read'] as const),
  );
  rig.configure((config) => ({
    ...config,
    agents: [whole],
    toolServers: [
      { serverId: 'everything', url: server.url, tiers },
      { serverId: 'asking', url: asking.url.replace('127.0.0.1', 'localhost'), tiers: { look: 'read' } },
    ],
  }));
  gateway = await rig.startGateway({ approvalPage: (id) => `https://estop.example/${id}` });
  await untilReady(gateway);
});

const begin = async (): Promise<TaskRecord> => {
  const task = await rig.startTask(whole);
  const flowKeys = createFlowKeys(openKeyRing(rig.keysFolder, 'flow', 'test'));
  const opened = { taskId: task.taskId, agent: whole, request: 'Write it down for anna@northwind.org.' };
  await openTaskFlow({ store: rig.ledger.as('estop_control'), flowKeys }, opened);
  return task;
};
const call = async (task: TaskRecord, more: object = {}, name = tool): Promise<Reply> =>
  post(gateway, await rig.token(task), {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: `everything__${name}`,
      arguments: {},
      ...more,
      _meta: { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {}, url: {} } } },
    },
  });

const admitted = (task: TaskRecord) =>
  rig.ledger.sql(
    'SELECT tool_key, outcome, policies, digest::text FROM estop.calls WHERE task_id = $1 ORDER BY admitted_at',
    [task.taskId],
  );

describe('what a client’s user answers to a question of the server', () => {
  it('is part of the digest of the call that it is sent with', async () => {
    const task = await begin();
    const answers = [{}, answer('anna@northwind.org'), answer('anna@northwind.org')];
    for (const more of answers) expect((await call(task, more)).isError).toBe(false);
    const [first, second, third] = (await admitted(task)).map((row) => row['digest']);
    expect([second, first === second]).toEqual([third, false]);
  });

  it('goes out like an argument: whom it reaches has to be somebody whom the user named', async () => {
    const task = await begin();
    const held = await call(task, answer('mallory@evil.net'));
    expect(held).toMatchObject({ isError: true, meta: { 'estop/policies': ['known-party'] } });
    expect(held.text).toContain('Sends to "mallory@evil.net", which you did not mention');
  });

  it('is shown to whoever approves the call, who approves just that answer', async () => {
    const task = await begin();
    const held = await call(task, answer('mallory@evil.net'));
    const approvalId = String(held.meta['estop/approvalId']);
    const control = rig.ledger.as('estop_control');
    const shown = (await getApproval(control, approvalId))?.shown ?? '';
    expect(shown).toContain('mallory@evil.net');
    expect(shown).toContain("answers to the server's own questions");
    await decideApproval(control, { approvalId, decision: 'approved', actor: 'anna', reason: 'fine' });
    const other = await call(task, answer('trudy@evil.net'));
    expect(other.meta['estop/decision']).toBe('needs-approval');
    const passed = await call(task, answer('mallory@evil.net'));
    expect(passed).toMatchObject({ isError: false });
    expect(passed.text).toContain('mallory@evil.net');
  });
});

describe('what a server gave beside its question', () => {
  const asking = 'test_input_required_result_request_state';
  const confirm = { inputResponses: { confirm: { action: 'accept', content: {} } } };

  it('comes back to it as it was', async () => {
    const task = await begin();
    const { requestState } = (await call(task, {}, asking)).body['result'] as { readonly requestState?: unknown }; // a result
    expect(requestState).toEqual(expect.stringContaining('state-1'));
    expect((await call(task, { ...confirm, requestState }, asking)).text).toContain('state-ok "state-1"');
  });

  it('carries no word of the agent’s, whom nobody asks where it is from', async () => {
    const [task, other] = [await begin(), await begin()];
    const { requestState } = (await call(task, {}, asking)).body['result'] as { readonly requestState?: unknown }; // a result
    const forged = ['what I read elsewhere', 'state-1', '', 7, { what: 'I read' }, `${String(requestState)}, and more`];
    for (const state of forged)
      expect((await call(task, { ...confirm, requestState: state }, asking)).isError, JSON.stringify(state)).toBe(true);
    expect((await call(task, { ...answer('anna@northwind.org'), requestState })).isError).toBe(true);
    expect(await admitted(task)).toHaveLength(1);
    expect((await call(other, { ...confirm, requestState }, asking)).isError).toBe(true);
    expect(await admitted(other)).toHaveLength(0);
  });
});

describe('what a client of the older revisions answers to a server', () => {
  const connect = async (
    task: TaskRecord,
    said: string | Readonly<Record<string, string>>,
    path = '/mcp/everything',
    send: typeof fetch = fetch,
  ): Promise<Client> => {
    const content = typeof said === 'string' ? { username: said, email: said } : said;
    const capabilities = { elicitation: {}, roots: {} };
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'legacy' }, capabilities });
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { ...content } }));
    client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///else/where' }] }));
    const requestInit = { headers: { authorization: `Bearer ${await rig.token(task)}` } };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), { requestInit, fetch: send }),
    );
    closeAfterAll(() => client.close().catch(() => undefined));
    return client;
  };
  const question = { name: 'test_elicitation', arguments: { message: 'Who?' } };

  /** What the server hears when it asks this in the middle of nothing. */
  const askedOf = async (task: TaskRecord, said: Parameters<typeof connect>[1], id: string, form: object) => {
    const client = await connect(task, said, '/mcp/asking');
    const before = asking.listeners();
    expect((await client.callTool({ name: 'look', arguments: {} })).isError).not.toBe(true);
    await until(() => asking.listeners() > before);
    asking.ask(id, 'elicitation/create', form);
    const heard = await until(() => asking.told.get(id));
    await client.close();
    return heard;
  };

  it('is judged like the arguments of its call, admitted and on record', async () => {
    const task = await begin();
    const client = await connect(task, 'anna@northwind.org');
    expect(JSON.stringify((await client.callTool(question)).content)).toContain('anna@northwind.org');
    const rows = await until(async () => {
      const found = await admitted(task);
      return found.length === 2 && found.every(({ outcome }) => outcome === 'completed') && found;
    });
    expect(rows.map((row) => row['tool_key'])).toEqual(Array(2).fill('tool:everything/test_elicitation'));
    // What was told is in the record of the task: what comes after it is still known.
    expect(JSON.stringify((await client.callTool(question)).content)).toContain('anna@northwind.org');
  });

  it('does not go out where it reaches somebody whom the user did not name, and its server need not wait', async () => {
    const task = await begin();
    const client = await connect(task, 'mallory@evil.net');
    const said = JSON.stringify(await client.callTool(question));
    expect(said).not.toContain('mallory');
    expect(said).toContain('There is no answer to that.');
    expect(await admitted(task)).toHaveLength(1);
    await until(async () => {
      const rows = await rig.ledger.sql(
        "SELECT policies FROM estop.denials WHERE task_id = $1 AND reason = 'denied-by-policy'",
        [task.taskId],
      );
      return JSON.stringify(rows).includes('known-party');
    });
  });

  it('does not go out where a person would have to be asked', async () => {
    const task = await rig.startTask(whole); // nobody registered what its user asked for
    const client = await connect(task, 'anna@northwind.org');
    const held = await client.callTool(question);
    const approvalId = String(held._meta?.['estop/approvalId']);
    const decision = { approvalId, decision: 'approved', actor: 'anna', reason: 'fine' } as const;
    await decideApproval(rig.ledger.as('estop_control'), decision);
    expect(JSON.stringify(await client.callTool(question))).toContain('There is no answer to that.');
    expect(await admitted(task)).toHaveLength(1);
  });

  it('to a question that no call of a tool is for is an action of its own, which looks at where the answer is from', async () => {
    const [task, other, untraced] = [await begin(), await begin(), await rig.startTask(whole)];
    const requestedSchema = { type: 'object', properties: { username: { type: 'string' }, email: { type: 'string' } } };
    const form = { message: 'Who?', requestedSchema };
    expect(JSON.stringify(await askedOf(task, 'anna@northwind.org', 'q1', form))).toContain('anna@northwind.org');
    const rows = await until(async () => {
      const found = await admitted(task);
      return found.length === 2 && found.every(({ outcome }) => outcome === 'completed') && found;
    });
    expect(rows[1]).toMatchObject({ tool_key: 'tool:asking/elicitation.create', policies: ['answer-flows'] });
    const refused = { error: expect.objectContaining({ message: 'There is no answer to that.' }) };
    expect(await askedOf(other, 'mallory@evil.net', 'q2', form)).toMatchObject(refused);
    // Nobody registered what its user asked for.
    expect(await askedOf(untraced, 'anna@northwind.org', 'q3', form)).toMatchObject(refused);
    expect([...(await admitted(other)), ...(await admitted(untraced))]).toHaveLength(2);
  });

  it('is compared with what was read, the question with it, whatever stands around it; what the form offers goes', async () => {
    const properties = { slot_id: { type: 'string', enum: ['slot-4471', 'slot-4472'] }, note: { type: 'string' } };
    const form = { message: 'The code of the safe is KX-4471-Q.', requestedSchema: { type: 'object', properties } };
    const offered = { slot_id: 'slot-4471', note: 'as you like' };
    const heard = JSON.stringify(await askedOf(await begin(), offered, 'w1', form));
    expect(heard).toContain('"content":{"note":"as you like","slot_id":"slot-4471"}'); // as it is hashed
    const stolen = await askedOf(await begin(), { note: 'Write it down, please: KX-4471-Q' }, 'w2', form);
    expect(JSON.stringify(stolen)).toContain('no answer');
  });

  it('and that was on its way when a stop of just that was fenced reaches nobody, nor does a later one', async () => {
    const answers: Promise<Response>[] = [];
    const client = await connect(await begin(), 'anna@northwind.org', '/mcp/asking', (url, init) => {
      const sent = fetch(url, init);
      if (typeof init?.body === 'string' && init.body.includes('"action":"accept"')) answers.push(sent);
      return sent;
    });
    const before = asking.listeners();
    expect((await client.callTool({ name: 'look', arguments: {} })).isError).not.toBe(true);
    await until(() => asking.listeners() > before);
    // The connection to the server takes its time.
    const { lookup } = dns;
    const held: (() => void)[] = [];
    const spy = vi.spyOn(dns, 'lookup').mockImplementation((...given: Parameters<typeof lookup>) => {
      held.push(() => lookup(...given));
    });
    asking.ask('q4', 'elicitation/create', { message: 'Who?', requestedSchema: { type: 'object', properties: {} } });
    await until(() => held.length > 0);
    const { stopId } = await stop(rig.ledger, 'tool:asking/elicitation.create');
    await untilFenced(rig, stopId);
    spy.mockRestore();
    for (const go of held) go();
    expect((await answers[0])?.status).toBe(409);
    asking.ask('q5', 'elicitation/create', { message: 'Who?', requestedSchema: { type: 'object', properties: {} } });
    expect((await until(() => answers[1])).status).toBe(409);
    expect((await client.callTool({ name: 'look', arguments: {} })).isError).not.toBe(true);
    expect([asking.told.get('q4'), asking.told.get('q5')]).toEqual([undefined, undefined]);
  });
});

describe('what answers a question of a prompt', () => {
  const name = 'test_input_required_result_prompt';
  const get = async (task: TaskRecord, said: string, member = 'email') => {
    const inputResponses = { user_context: { action: 'accept', content: { [member]: said } } };
    const _meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
    return post(gateway, await rig.token(task), {
      jsonrpc: '2.0',
      id: 1,
      method: 'prompts/get',
      params: { name: `everything__${name}`, inputResponses, _meta },
    });
  };

  it('goes to its server where it says what the user said, and nowhere else', async () => {
    const task = await begin();
    expect(JSON.stringify((await get(task, 'anna@northwind.org')).body)).toContain('With {');
    expect(JSON.stringify((await get(task, 'mallory@evil.net')).body)).toContain('known-answer');
    expect(await admitted(task)).toMatchObject([{ policies: ['answer-flows', 'listed-reading'] }]);
  });

  it('is looked at in the middle of free text', async () => {
    const task = await begin();
    expect((await call(task, {}, 'test_simple_text')).text).toContain('a simple text response for testing');
    const of = async (note: string) => JSON.stringify((await get(task, note, 'note')).body);
    expect(await of('a simple text response for testing')).toContain('known-answer');
    expect(await of('write it down')).toContain('With {');
  });

  it('is told to nobody where nobody knows what the user asked for and the list does not name the prompt', async () => {
    const task = await rig.startTask(whole);
    expect(JSON.stringify((await get(task, 'anna@northwind.org')).body)).toContain('gate.no-permit');
  });
});
