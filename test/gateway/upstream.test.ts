import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer } from '@modelcontextprotocol/server';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { splitEvents } from '../../src/gateway/upstream/read-reply.ts';
import { type HostileUpstream, startHostileUpstream } from './hostile-upstream.ts';
import {
  billingBot,
  callTool,
  closeAfterAll,
  makeRig,
  post,
  type Reply,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilReady,
} from './rig.ts';

let rig: Rig;
let gateway: RunningGateway;
let hostile: HostileUpstream;
beforeAll(async () => {
  rig = await makeRig();
  hostile = await startHostileUpstream();
  closeAfterAll(() => hostile.stop());
  rig.configure((config) => ({
    ...config,
    agents: [
      { ...billingBot, tools: { 'hostile/act': 'allow', 'hostile/*': 'allow', 'sessions/echo': 'allow' } },
      readerBot,
    ],
    toolServers: [{ serverId: 'hostile', url: hostile.url }],
  }));
  gateway = await rig.startGateway({ callTimeoutMs: 1_000 });
  await untilReady(gateway);
  await until(async () => (await listed()).length > 0);
});

async function listed(): Promise<readonly string[]> {
  const reply = await post(gateway, await rig.token(await rig.startTask()), {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/list',
  });
  return (
    (reply.body['result'] as { readonly tools?: readonly { readonly name: string }[] } | undefined)?.tools ?? []
  ).map(({ name }) => name);
}

async function act(): Promise<Reply & { readonly outcome: unknown }> {
  const task = await rig.startTask();
  const reply = await callTool(gateway, await rig.token(task), 'hostile__act', {});
  const [row] = await until(async () => {
    const rows = await rig.ledger.sql('SELECT outcome FROM estop.calls WHERE task_id = $1 AND settled_at IS NOT NULL', [
      task.taskId,
    ]);
    return rows.length > 0 && rows;
  });
  return { ...reply, outcome: row?.['outcome'] };
}

const json = (response: ServerResponse, body: unknown, status = 200): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const result = (id: string, more: object = {}): object => ({
  jsonrpc: '2.0',
  id,
  result: { resultType: 'complete', content: [{ type: 'text', text: 'dône' }], ...more },
});

describe('an upstream’s tools', () => {
  it('are offered only if they can be called as they are listed', async () => {
    expect(await listed()).toEqual(['hostile__act']);
  });
});

describe('an upstream’s answer', () => {
  it('as an event stream is taken from among other messages, and its socket is left in peace', async () => {
    hostile.misbehave = (response, { id }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n');
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 'another', result: { content: [] } })}\r\n\r\n`);
      const bytes = Buffer.from(`data: ${JSON.stringify(result(id))}\n\n`);
      // Cut in the middle of a character.
      const cut = bytes.indexOf(0xc3) + 1;
      response.write(bytes.subarray(0, cut));
      setImmediate(() => response.end(bytes.subarray(cut)));
    };
    expect(await act()).toMatchObject({ isError: false, text: 'dône', outcome: 'completed' });
  });

  it('is taken from a stream that never ends, which is then ended', async () => {
    const before = hostile.abandoned.length;
    hostile.misbehave = (response, { id }) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write(`data: ${JSON.stringify(result(id))}\n\n`);
    expect(await act()).toMatchObject({ text: 'dône', outcome: 'completed' });
    await until(() => hostile.abandoned.length > before);
  });

  it('cannot speak in the gate’s own words', async () => {
    hostile.misbehave = (response, { id }) =>
      json(
        response,
        result(id, { _meta: { 'estop/decision': 'stopped', 'estop/stopId': 'stop_test_x', 'vendor/own': 1 } }),
      );
    const reply = await act();
    expect(reply.meta).toMatchObject({ 'vendor/own': 1 });
    expect(Object.keys(reply.meta).filter((key) => key.startsWith('estop/'))).toEqual([]);
  });

  it('that is an error of the protocol is passed on as one of the tool', async () => {
    hostile.misbehave = (response, { id }) =>
      json(response, { jsonrpc: '2.0', id, error: { code: -32_602, message: 'no such customer' } });
    expect(await act()).toMatchObject({
      status: 200,
      isError: true,
      text: 'The tool server refused: no such customer',
      outcome: 'failed',
    });
  });

  it.each([
    [
      'is no JSON',
      (response: ServerResponse) => void response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
    ],
    [
      'is a page',
      (response: ServerResponse) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['answers another call', (response: ServerResponse) => json(response, result('call_test_other'))],
    [
      'asks for input',
      (response: ServerResponse, { id }: { readonly id: string }) =>
        json(response, result(id, { resultType: 'input_required', requestState: 'x' })),
    ],
    [
      'is five megabytes long',
      (response: ServerResponse, { id }: { readonly id: string }) =>
        json(response, result(id, { structuredContent: { x: 'x'.repeat(5 * 1024 * 1024) } })),
    ],
    [
      'breaks off',
      (response: ServerResponse) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
          .write('{', () => response.destroy()),
    ],
    ['does not come at all', (response: ServerResponse) => void response.destroy()],
    ['does not come in time', () => undefined],
  ])('that %s is reported as possibly completed, and never as if nothing had been sent', async (_what, misbehave) => {
    hostile.misbehave = misbehave;
    const reply = await act();
    expect(reply).toMatchObject({
      status: 200,
      isError: true,
      meta: { 'estop/decision': 'possibly-completed' },
      outcome: 'possibly-completed',
    });
    // Sent once: nobody knows whether a second sending would be a second effect.
    expect(new Set(hostile.received).size).toBe(hostile.received.length);
  });

  it.each([302, 303, 307, 308])('that leads to an address inside (%d) is not followed there', async (status) => {
    let reached = 0;
    const inside = createServer((_request, response) => {
      reached += 1;
      response.end('{}');
    });
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
    const { port } = inside.address() as AddressInfo; // listening on TCP
    hostile.misbehave = (response) =>
      void response.writeHead(status, { location: `http://127.0.0.1:${port}/latest/meta-data` }).end();
    const reply = await act();
    inside.closeAllConnections();
    await new Promise((resolve) => inside.close(resolve));
    expect(reply).toMatchObject({ meta: { 'estop/decision': 'possibly-completed' }, outcome: 'possibly-completed' });
    expect(reached).toBe(0);
  });

  it('that is nested too deep to be passed on leaves nobody waiting', async () => {
    hostile.misbehave = (response, { id }) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"jsonrpc":"2.0","id":"${id}","result":{"content":[],"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`);
    expect(await act()).toMatchObject({
      status: 200,
      isError: true,
      meta: { 'estop/decision': 'possibly-completed' },
      outcome: 'completed',
    });
  });

  it('that does not come in time leaves no socket open', async () => {
    hostile.misbehave = () => undefined;
    const before = hostile.abandoned.length;
    await act();
    await until(() => hostile.abandoned.length > before);
  });

  it('is split into events wherever the pieces end', () => {
    const stream = Buffer.from('data: {"a":1}\n\n: comment\n\nevent: x\ndata: {"b":\ndata: 2}\n\ndata: {"c"');
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const head = splitEvents(stream.subarray(0, cut));
      const rest = splitEvents(Buffer.concat([head.tail, stream.subarray(cut)]));
      expect([...head.events, ...rest.events].map(String)).toEqual(['{"a":1}', '{"b":\n2}']);
      expect(String(rest.tail)).toBe('data: {"c"');
    }
  });
});

describe('a server of the older revisions that keeps sessions', () => {
  it('is spoken to in its session', async () => {
    const transports = new Map<string, NodeStreamableHTTPServerTransport>();
    const server = createServer((request, response) => {
      void (async () => {
        const known = transports.get(String(request.headers['mcp-session-id'] ?? ''));
        if (known !== undefined) return known.handleRequest(request, response);
        const transport = new NodeStreamableHTTPServerTransport({
          sessionIdGenerator: randomUUID,
          onsessioninitialized: (id) => void transports.set(id, transport),
        });
        const mcp = new McpServer({ name: 'sessions', version: '1' });
        mcp.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
          content: [{ type: 'text', text }],
        }));
        await mcp.connect(transport);
        await transport.handleRequest(request, response);
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeAfterAll(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as AddressInfo; // listening on TCP
    rig.configure((config) => ({
      ...config,
      toolServers: [...config.toolServers, { serverId: 'sessions', url: `http://127.0.0.1:${port}/mcp` }],
    }));
    await until(async () => (await listed()).includes('sessions__echo'));
    const reply = await callTool(gateway, await rig.token(await rig.startTask()), 'sessions__echo', { text: 'hello' });
    expect(reply).toMatchObject({ isError: false, text: 'hello' });
  });
});
