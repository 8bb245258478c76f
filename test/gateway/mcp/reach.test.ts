import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/contract/config.ts';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { stop } from '../../store/ledger.ts';
import {
  billingBot,
  closeAfterAll,
  makeRig,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilFenced,
  untilReady,
} from '../rig.ts';
import { everythingTools, startEverythingServer } from './everything-server.ts';

const whole: AgentSpec = { ...billingBot, tools: { 'everything/*': 'allow' } };
const narrow: AgentSpec = {
  ...readerBot,
  tools: { 'everything/test_simple_text': 'allow' },
  resources: ['everything/test://static-*'],
  prompts: ['everything/test_simple_prompt'],
};

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  const server = await startEverythingServer();
  closeAfterAll(() => server.stop());
  const tiers = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));
  rig.configure((config) => ({
    ...config,
    agents: [whole, narrow],
    toolServers: [{ serverId: 'everything', url: server.url, tiers }],
  }));
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

type Mode = 'legacy' | 'auto';
async function connect(task: TaskRecord, path: string, mode: Mode): Promise<Client> {
  const token = await rig.token(task);
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode }, capabilities: { elicitation: {}, sampling: {} } },
  );
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), { requestInit }));
  closeAfterAll(() => client.close().catch(() => undefined));
  return client;
}

const outcomeOf = (asking: Promise<unknown>): Promise<string> =>
  asking.then(
    (answer) => JSON.stringify(answer),
    (error: unknown) => `refused: ${String(error)}`,
  );

describe.each<Mode>(['legacy', 'auto'])('a client (%s)', (mode) => {
  it('reads, lists, completes and gets prompts of a server that it may use whole, on either endpoint', async () => {
    const task = await rig.startTask(whole);
    const [one, all] = [await connect(task, '/mcp/everything', mode), await connect(task, '/mcp', mode)];
    expect((await one.listResources()).resources.map(({ uri }) => uri)).toContain('test://static-text');
    const { resources } = await all.listResources();
    expect(resources.map(({ uri }) => uri)).toContain('mcp.everything+test://static-text');
    expect((await all.listResourceTemplates()).resourceTemplates[0]?.uriTemplate).toBe(
      'mcp.everything+test://template/{id}/data',
    );
    const { contents } = await all.readResource({ uri: 'mcp.everything+test://template/7/data' });
    expect(contents[0]).toMatchObject({ uri: 'mcp.everything+test://template/7/data' });
    expect((await all.listPrompts()).prompts.map(({ name }) => name)).toContain('everything__test_simple_prompt');
    const args = { arg1: 'a', arg2: 'b' };
    const prompt = await all.getPrompt({ name: 'everything__test_prompt_with_arguments', arguments: args });
    expect(JSON.stringify(prompt)).toContain("arg1='a'");
    const ref = { type: 'ref/prompt', name: 'everything__test_prompt_with_arguments' } as const;
    expect((await all.complete({ ref, argument: { name: 'arg1', value: 'pa' } })).completion.values).toEqual([
      'paris',
      'park',
    ]);
    const keys = await until(async () => {
      const rows = await rig.ledger.sql(
        'SELECT tool_key FROM estop.calls WHERE task_id = $1 AND settled_at IS NOT NULL ORDER BY 1',
        [task.taskId],
      );
      return rows.length === 3 && rows.map((row) => row['tool_key']);
    });
    expect(keys).toEqual(
      ['completion.complete', 'prompts.get', 'resources.read'].map((name) => `tool:everything/${name}`),
    );
  });

  it('sees and reaches only what its own lists name, and nothing is admitted of the rest', async () => {
    const task = await rig.startTask(narrow);
    const client = await connect(task, '/mcp/everything', mode);
    expect((await client.listResources()).resources.map(({ uri }) => uri).sort()).toEqual([
      'test://static-binary',
      'test://static-text',
    ]);
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['test_simple_prompt']);
    expect(await outcomeOf(client.readResource({ uri: 'test://static-text' }))).toContain('static text');
    for (const uri of [
      'test://watched-resource',
      'test://static-text/../watched-resource',
      'test://static-a%2f%2e%2e%2fx',
      'test://static-a/%252e%252e/x',
      'test://static-%zz',
    ])
      expect(await outcomeOf(client.readResource({ uri })), uri).toMatch(/refused: .*not available to this agent/);
    expect(await outcomeOf(client.getPrompt({ name: 'test_prompt_with_image' }))).toMatch(/refused: .*not available/);
    expect(
      await outcomeOf(
        client.complete({
          ref: { type: 'ref/prompt', name: 'test_prompt_with_image' },
          argument: { name: 'a', value: 'b' },
        }),
      ),
    ).toMatch(/refused/);
    const rows = await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.calls WHERE task_id = $1', [task.taskId]);
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('is asked by the server what it said that it answers, and told of progress', async () => {
    const client = await connect(await rig.startTask(whole), '/mcp/everything', mode);
    client.setRequestHandler('elicitation/create', () => ({
      action: 'accept',
      content: { username: 'ada', email: 'a@b.c', name: 'ada' },
    }));
    const name = mode === 'legacy' ? 'test_elicitation' : 'test_input_required_result_elicitation';
    const answer = await client.callTool({ name, arguments: mode === 'legacy' ? { message: 'Who?' } : {} });
    expect(JSON.stringify(answer.content)).toContain('ada');
    const told: number[] = [];
    await client.callTool(
      { name: 'test_tool_with_progress', arguments: {} },
      { onprogress: ({ progress }) => void told.push(progress) },
    );
    expect(told).toEqual([0, 50, 100]);
  });

  it('is cut off by a stop: nothing is read, listed or got any more', async () => {
    const task = await rig.startTask(whole);
    const client = await connect(task, '/mcp/everything', mode);
    await client.listResources();
    const { stopId } = await stop(rig.ledger, `task:${task.taskId}`);
    await untilFenced(rig, stopId);
    const asked = [
      () => client.readResource({ uri: 'test://static-text' }),
      () => client.listPrompts(),
      () => client.getPrompt({ name: 'test_simple_prompt' }),
    ];
    for (const ask of asked) expect(await outcomeOf(ask())).toMatch(/refused: .*emergency stop/);
  });
});

describe('a stop', () => {
  it('ends the stream of a session, and the stream of changes', async () => {
    const task = await rig.startTask(whole);
    const authorization = `Bearer ${await rig.token(task)}`;
    const url = `${gateway.url}/mcp/everything`;
    const json = { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    };
    const shaken = await fetch(url, { method: 'POST', headers: json, body: JSON.stringify(initialize) });
    const id = shaken.headers.get('mcp-session-id') ?? '';
    const own = await fetch(url, { headers: { authorization, accept: 'text/event-stream', 'mcp-session-id': id } });
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const listen = {
      jsonrpc: '2.0',
      id: 'mine',
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true }, _meta: meta },
    };
    const changes = await fetch(url, {
      method: 'POST',
      headers: { ...json, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
      body: JSON.stringify(listen),
    });
    expect([own.status, changes.status]).toEqual([200, 200]);
    const ends = [own, changes].map((stream) => outcomeOf(stream.text()));
    await untilFenced(rig, (await stop(rig.ledger, `task:${task.taskId}`)).stopId);
    const [, told] = await Promise.all(ends);
    expect(told).toContain('notifications/subscriptions/acknowledged');
    expect(told).toContain('estop/decision');
    const again = await fetch(url, { headers: { authorization, accept: 'text/event-stream', 'mcp-session-id': id } });
    expect(again.status).not.toBe(200);
  });
});

describe('a session', () => {
  it('is unknown to every other task, on every other endpoint, and once it was ended', async () => {
    const task = await rig.startTask(whole);
    const authorization = `Bearer ${await rig.token(task)}`;
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    };
    const send = (path: string, body: object, headers: object) =>
      fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const id = (await send('/mcp', initialize, { authorization })).headers.get('mcp-session-id') ?? '';
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
    const session = { 'mcp-session-id': id };
    const other = { authorization: `Bearer ${await rig.token(await rig.startTask(whole))}` };
    expect((await send('/mcp', ping, { authorization, ...session })).status).toBe(200);
    expect((await send('/mcp', ping, { ...other, ...session })).status).toBe(404);
    expect((await send('/mcp/everything', ping, { authorization, ...session })).status).toBe(404);
    expect((await fetch(`${gateway.url}/mcp`, { method: 'DELETE', headers: { ...other, ...session } })).status).toBe(
      404,
    );
    expect(
      (await fetch(`${gateway.url}/mcp`, { method: 'DELETE', headers: { authorization, ...session } })).status,
    ).toBe(200);
    expect((await send('/mcp', ping, { authorization, ...session })).status).toBe(404);
  });
});

// The last, because it stops what the others use.
describe('a stop of one method of one server', () => {
  it('ends it for everybody, and nothing else', async () => {
    const client = await connect(await rig.startTask(whole), '/mcp/everything', 'auto');
    await untilFenced(rig, (await stop(rig.ledger, 'tool:everything/resources.read')).stopId);
    expect(await outcomeOf(client.readResource({ uri: 'test://static-text' }))).toMatch(/refused: .*emergency stop/);
    expect(await outcomeOf(client.getPrompt({ name: 'test_simple_prompt' }))).toContain('simple prompt');
  });
});
