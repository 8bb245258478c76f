import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/contract/config.ts';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { stop } from '../../store/ledger.ts';
import {
  billingBot,
  closeAfterAll,
  envelope,
  makeRig,
  type Rig,
  type RunningGateway,
  until,
  untilFenced,
  untilReady,
} from '../rig.ts';

const watcher: AgentSpec = { ...billingBot, tools: { 'one/*': 'allow', 'two/*': 'allow' } };
const onlyOne: AgentSpec = { ...billingBot, agentId: 'reader-bot', labels: {}, tools: { 'one/*': 'allow' } };

let rig: Rig;
let gateway: RunningGateway;
const servers = new Map<string, ReturnType<typeof createMcpHandler>>();

async function startServer(name: string): Promise<string> {
  const handler = createMcpHandler(() => {
    const server = new McpServer(
      { name, version: '1' },
      { capabilities: { resources: { subscribe: true, listChanged: true } } },
    );
    server.registerResource('news', 'news://today', {}, () => ({ contents: [{ uri: 'news://today', text: name }] }));
    return server;
  });
  servers.set(name, handler);
  const serve = toNodeHandler(handler) as (request: unknown, response: unknown) => Promise<void>; // their description of node's request differs in how it writes "absent"
  const http = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  closeAfterAll(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`; // listening on TCP
}

beforeAll(async () => {
  rig = await makeRig();
  const [one, two] = [await startServer('one'), await startServer('two')];
  rig.configure((config) => ({
    ...config,
    agents: [watcher, onlyOne],
    toolServers: [
      { serverId: 'one', url: one },
      { serverId: 'two', url: two },
    ],
  }));
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

interface Message {
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** What one stream has said so far, and whether it has ended. */
async function listen(task: TaskRecord, notifications: object) {
  const heard: Message[] = [];
  const state = { heard, ended: false };
  const response = await fetch(`${gateway.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await rig.token(task)}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'mine',
      method: 'subscriptions/listen',
      params: { notifications, _meta: envelope },
    }),
  });
  void (async () => {
    let rest = '';
    for await (const piece of response.body ?? []) {
      rest += Buffer.from(piece as Uint8Array).toString(); // what fetch reads
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data: {')) heard.push(JSON.parse(line.slice(6)) as Message);
    }
    if (rest.startsWith('{')) heard.push(JSON.parse(rest) as Message);
    state.ended = true;
  })().catch(() => {
    state.ended = true;
  });
  return state;
}
const of = (heard: readonly Message[], method: string) => heard.filter((message) => message.method === method);
const uri = (server: string): string => `mcp.${server}+news://today`;
const both = { resourcesListChanged: true, resourceSubscriptions: [uri('one'), uri('two')] };

it('one stream tells of the changes of several servers, after one acknowledgement of them all', async () => {
  const stream = await listen(await rig.startTask(watcher), both);
  await until(() => stream.heard.length > 0);
  const [ack] = stream.heard;
  expect(ack).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: { resourcesListChanged: true } },
  });
  const own = (ack?.params?.['notifications'] ?? {}) as { readonly resourceSubscriptions?: readonly string[] }; // as just looked at
  expect([...(own.resourceSubscriptions ?? [])].sort()).toEqual([uri('one'), uri('two')]);
  servers.get('two')?.notify.resourceUpdated('news://today');
  servers.get('one')?.notify.resourceUpdated('news://today');
  const updated = await until(() => {
    const told = of(stream.heard, 'notifications/resources/updated');
    return told.length === 2 && told;
  });
  expect(new Set(updated.map(({ params }) => params?.['uri']))).toEqual(new Set([uri('one'), uri('two')]));
  expect(of(stream.heard, 'notifications/subscriptions/acknowledged').length).toBe(1);
  for (const { params } of stream.heard)
    expect(params?.['_meta']).toMatchObject({ 'io.modelcontextprotocol/subscriptionId': 'mine' });
});

it('an agent hears only of the servers that it may use, and each part is admitted by itself', async () => {
  const task = await rig.startTask(onlyOne);
  const stream = await listen(task, both);
  await until(() => stream.heard.length > 0);
  expect(JSON.stringify(stream.heard[0])).not.toContain('mcp.two');
  servers.get('two')?.notify.resourceUpdated('news://today');
  servers.get('one')?.notify.resourceUpdated('news://today');
  await until(() => of(stream.heard, 'notifications/resources/updated').length > 0);
  expect(JSON.stringify(stream.heard)).not.toContain('mcp.two');
  const keys = await rig.ledger.sql('SELECT tool_key FROM estop.calls WHERE task_id = $1', [task.taskId]);
  expect(keys).toEqual([{ tool_key: 'tool:one/subscriptions.listen' }]);
});

// The last, because it stops what the others use.
it('a stream of what an agent has lost meanwhile ends, and tells nothing more', async () => {
  const stream = await listen(await rig.startTask(watcher), both);
  await until(() => stream.heard.length > 0);
  const other = await listen(await rig.startTask(onlyOne), both);
  await until(() => other.heard.length > 0);
  rig.configure((config) => ({ ...config, agents: [{ ...watcher, tools: { 'one/*': 'allow' } }, onlyOne] }));
  servers.get('two')?.notify.resourceUpdated('news://today');
  await until(() => stream.ended);
  expect(of(stream.heard, 'notifications/resources/updated')).toEqual([]);
  servers.get('one')?.notify.resourceUpdated('news://today');
  await until(() => of(other.heard, 'notifications/resources/updated').length === 1);
  rig.configure((config) => ({ ...config, agents: [watcher, onlyOne] }));
});

it('a client that opens streams without end keeps the newest, and the others are ended like any', async () => {
  const task = await rig.startTask(onlyOne);
  const wanted = { resourceSubscriptions: [uri('one')] };
  const streams = await Promise.all(Array.from({ length: 40 }, () => listen(task, wanted)));
  const ended = () => streams.filter((stream) => stream.ended);
  await until(() => ended().length >= 8);
  expect(ended().map(({ heard }) => heard.at(-1))).toEqual(
    Array.from({ length: 8 }, () => expect.objectContaining({ id: 'mine', result: expect.anything() })),
  );
  expect((await listen(await rig.startTask(watcher), wanted)).ended).toBe(false);
  expect(ended().length).toBe(8);
});

it('a stop of one of its servers ends the whole stream, and says so', async () => {
  const stream = await listen(await rig.startTask(watcher), both);
  await until(() => stream.heard.length > 0);
  await untilFenced(rig, (await stop(rig.ledger, 'tool:two/subscriptions.listen')).stopId);
  await until(() => stream.ended);
  expect(JSON.stringify(stream.heard.at(-1))).toContain('"estop/decision":"stopped"');
});
