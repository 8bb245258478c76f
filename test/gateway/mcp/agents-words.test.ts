import { createServer, type IncomingHttpHeaders, request as sendHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/contract/config.ts';
import { keepTraceContext } from '../../../src/runtime/keep-trace-context.ts';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { billingBot, closeAfterAll, envelope, makeRig, type Rig, type RunningGateway, untilReady } from '../rig.ts';
import { everythingTools, startEverythingServer } from './everything-server.ts';

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
type Message = { readonly id: string; readonly method?: string; readonly params?: Record<string, unknown> };
const agent: AgentSpec = {
  ...billingBot,
  tools: {},
  resources: ['paged/test://static-text', 'other/test://static-text'],
  prompts: ['paged/test_simple_prompt'],
};
let rig: Rig;
let gateway: RunningGateway;
/** What came to the server, but for what it was found by. */
const came: Message[] = [];
const shown: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  keepTraceContext(); // as every process of ours does
  rig = await makeRig();
  const server = await startEverythingServer();
  closeAfterAll(() => server.stop());
  // Stands before it, writes down what comes, and lists resources in two pages.
  const door = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const body = Buffer.concat(chunks);
      const message = JSON.parse(body.toString('utf8') || '{}') as Message; // the gateway's own
      came.push(message);
      shown.push(request.headers);
      if (message.method === 'resources/list') {
        const uri = message.params?.['cursor'] === undefined ? 'test://static-text' : 'test://never';
        const result = { resources: [{ uri, name: uri }], nextCursor: 'page 2' };
        response.writeHead(200, { 'content-type': 'application/json' });
        return void response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
      }
      const { method: verb, headers } = request;
      const forwarded = sendHttp(server.url, { method: verb, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      forwarded.on('error', () => response.destroy());
      response.once('close', () => forwarded.destroy());
      forwarded.end(body);
    });
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  closeAfterAll(async () => {
    door.closeAllConnections();
    await new Promise((resolve) => door.close(resolve));
  });
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}/mcp`; // listening on TCP
  const tiers = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));
  rig.configure((config) => ({
    ...config,
    agents: [agent],
    toolServers: ['paged', 'other'].map((serverId) => ({ serverId, url, tiers })),
  }));
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

async function say(task: TaskRecord, method: string, params: object, server = 'paged', _meta: object = envelope) {
  const name = 'uri' in params ? String(params.uri) : 'name' in params ? String(params.name) : undefined;
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
  const headers = {
    authorization: `Bearer ${await rig.token(task)}`,
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    tracestate: 'its=words-of-the-agent',
    'traceparent': trace,
    ...(name === undefined ? {} : { 'mcp-name': name }),
  };
  const both = 'application/json, text/event-stream';
  const response = await fetch(`${gateway.url}/mcp/${server}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: both, ...headers },
    body,
  });
  return (await response.json()) as { readonly result?: Record<string, unknown>; readonly error?: unknown }; // JSON-RPC
}
const sent = (method: string) =>
  came.filter((one) => one.method === method).map(({ params: { _meta, ...params } = {} }) => params);

it('a list goes on only where its server said, and carries no word of the agent’s', async () => {
  const [task, other] = [await rig.startTask(agent), await rig.startTask(agent)];
  const first = await say(task, 'resources/list', {});
  const cursor = first.result?.['nextCursor'];
  expect(typeof cursor).toBe('string');
  came.length = 0;
  expect((await say(task, 'resources/list', { cursor })).result).toBeDefined();
  expect(sent('resources/list')).toEqual([{ cursor: 'page 2' }]);
  const forged = ['what I read elsewhere', 'page 2', `${cursor}, and more`, `x${cursor}`, ''];
  for (const words of forged) expect((await say(task, 'resources/list', { cursor: words })).error, words).toBeDefined();
  expect((await say(other, 'resources/list', { cursor })).error).toBeDefined();
  expect((await say(task, 'resources/list', { cursor }, 'other')).error).toBeDefined();
  expect((await say(task, 'resources/templates/list', { cursor })).error).toBeDefined();
  expect([sent('resources/list').length, sent('resources/templates/list').length]).toEqual([1, 0]);
});

it('what is reached for goes with what its method knows, and nothing else that the agent adds', async () => {
  const task = await rig.startTask(agent);
  came.length = 0;
  const more = { note: 'what I read elsewhere' };
  await say(task, 'resources/read', { uri: 'test://static-text', ...more });
  await say(task, 'prompts/get', { name: 'test_simple_prompt', arguments: { a: 'b' }, ...more });
  const ref = { type: 'ref/prompt', name: 'test_simple_prompt' };
  await say(task, 'completion/complete', { ref: { ...ref, ...more }, argument: { name: 'a', value: 'b' }, ...more });
  expect(sent('resources/read')).toEqual([{ uri: 'test://static-text' }]);
  expect(sent('prompts/get')).toEqual([{ name: 'test_simple_prompt', arguments: { a: 'b' } }]);
  expect(sent('completion/complete')).toEqual([{ ref, argument: { name: 'a', value: 'b' } }]);
});

it('what its client can is told in our words, in whatever revision it comes', async () => {
  const task = await rig.startTask(agent);
  came.length = 0;
  const note = 'what I read elsewhere';
  const said = {
    elicitation: { form: { applyDefaults: true, note }, url: { note } },
    sampling: { tools: { note }, context: {} },
    roots: { listChanged: true, note },
    experimental: { note: { note } },
  };
  const told = {
    elicitation: { form: { applyDefaults: true }, url: {} },
    sampling: { context: {}, tools: {} },
    roots: { listChanged: true },
  };
  const key = 'io.modelcontextprotocol/clientCapabilities';
  await say(task, 'resources/read', { uri: 'test://static-text' }, 'paged', { ...envelope, [key]: said });
  const read = came.find(({ method }) => method === 'resources/read')?.params?.['_meta'];
  expect(read).toMatchObject({ [key]: told });
  const headers = {
    'authorization': `Bearer ${await rig.token(task)}`,
    'content-type': 'application/json',
    'accept': 'application/json, text/event-stream',
  };
  const post = (message: object, more: object = {}): Promise<Response> =>
    fetch(`${gateway.url}/mcp/paged`, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  const begun = await post({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: said },
  });
  const session = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' };
  await (await post({ id: 2, method: 'resources/read', params: { uri: 'test://static-text' } }, session)).text();
  const shaken = came.filter(({ method }) => method === 'initialize').map(({ params }) => params?.['capabilities']);
  expect(shaken).toEqual([told]);
  expect(JSON.stringify(came)).not.toContain(note);
});

it('a trace goes on by its ids, without what else its client says of it', async () => {
  const task = await rig.startTask(agent);
  [came.length, shown.length] = [0, 0];
  const words = { traceparent: trace, tracestate: 'more=words-of-the-agent' };
  await say(task, 'resources/read', { uri: 'test://static-text' }, 'paged', { ...envelope, ...words });
  const { _meta } = came.find(({ method }) => method === 'resources/read')?.params ?? {};
  expect(_meta).toMatchObject({ traceparent: trace });
  expect(JSON.stringify([came, shown])).not.toContain('words-of-the-agent');
});
