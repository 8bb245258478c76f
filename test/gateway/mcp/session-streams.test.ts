import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { AgentSpec } from '../../../src/contract/config.ts';
import { deferred } from '../../../src/gateway/deferred.ts';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, type RunningGateway, until, untilReady } from '../rig.ts';

const worker: AgentSpec = { ...billingBot, tools: { 'slow/*': 'allow' } };
/** What goes on at the server: each call waits until it is let go, and notices if nobody wants its answer any more. */
const calls: { cancelled: boolean; letGo: () => void }[] = [];

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  const serve = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'slow', version: '1' });
      server.registerTool(
        'work',
        { description: 'Reads a report.', inputSchema: z.object({}) },
        async (_args, { mcpReq }) => {
          const gate = deferred<void>();
          let isDone = false;
          const call = { cancelled: false, letGo: () => gate.resolve() };
          mcpReq.signal.addEventListener('abort', () => {
            call.cancelled = !isDone;
            gate.resolve();
          });
          calls.push(call);
          await gate.promise;
          isDone = true;
          return { content: [{ type: 'text', text: 'the report' }] };
        },
      );
      return server;
    }),
  ) as (request: unknown, response: unknown) => Promise<void>; // their description of node's request differs in how it writes "absent"
  const upstream = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  closeAfterAll(async () => {
    for (const { letGo } of calls) letGo();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  });
  const { port } = upstream.address() as AddressInfo; // listening on TCP
  const url = `http://127.0.0.1:${port}/mcp`;
  rig.configure((config) => ({
    ...config,
    agents: [worker],
    toolServers: [{ serverId: 'slow', url, tiers: { work: 'read' } }],
  }));
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

interface Session {
  readonly task: TaskRecord;
  send(body: object, signal?: AbortSignal): Promise<Response>;
  resume(lastEventId: string): Promise<Response>;
}

async function shakeHands(task?: TaskRecord): Promise<Session> {
  const own = task ?? (await rig.startTask(worker));
  const authorization = `Bearer ${await rig.token(own)}`;
  const headers = { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const initialize = {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
  };
  const shaken = await fetch(`${gateway.url}/mcp`, { method: 'POST', headers, body: JSON.stringify(initialize) });
  const session = { 'mcp-session-id': shaken.headers.get('mcp-session-id') ?? '' };
  return {
    task: own,
    send: (body, signal) =>
      fetch(`${gateway.url}/mcp`, {
        method: 'POST',
        headers: { ...headers, ...session },
        body: JSON.stringify({ jsonrpc: '2.0', ...body }),
        signal: signal ?? null,
      }),
    resume: (lastEventId) =>
      fetch(`${gateway.url}/mcp`, {
        headers: { authorization, accept: 'text/event-stream', 'last-event-id': lastEventId, ...session },
      }),
  };
}

const work = (id: number) => ({ id, method: 'tools/call', params: { name: 'slow__work', arguments: {} } });
const newCall = (after: number) => until(() => calls[after]);
const outcomeOf = (task: TaskRecord) =>
  until(async () => {
    const query = 'SELECT outcome FROM estop.calls WHERE task_id = $1 AND outcome IS NOT NULL';
    return (await rig.ledger.sql(query, [task.taskId]))[0]?.['outcome'];
  });

it('an answer whose connection broke is fetched with the id of the last event that was read', async () => {
  const session = await shakeHands();
  const leaving = new AbortController();
  const begun = calls.length;
  const broken = await session.send(work(1), leaving.signal);
  const first = await broken.body?.getReader().read();
  const id = /^id: (\S+)$/m.exec(Buffer.from(first?.value ?? []).toString())?.[1] ?? '';
  expect(id).not.toBe('');
  const call = await newCall(begun);
  leaving.abort();
  call.letGo();
  expect(await outcomeOf(session.task)).toBe('completed');
  const rest = await session.resume(id);
  expect(rest.status).toBe(200);
  const text = await rest.text();
  expect(text).toContain('the report');
  const last = [...text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? '';
  // What was read is not said again, and nobody else's stream is found.
  expect(await (await session.resume(last)).text()).not.toContain('the report');
  expect((await session.resume('r999_1')).status).toBe(409);
  expect((await (await shakeHands()).resume(id)).status).toBe(409);
  expect(call.cancelled).toBe(false);
  expect(calls.length).toBe(begun + 1);
});

it('a call that its client cancels ends at the server, and a stranger’s word for the same id ends nothing', async () => {
  const session = await shakeHands();
  const stranger = await shakeHands();
  const sibling = await shakeHands(session.task);
  const begun = calls.length;
  const answer = session.send(work(7)).then((response) => response.text());
  const call = await newCall(begun);
  const cancel = { method: 'notifications/cancelled', params: { requestId: 7 } };
  for (const other of [stranger, sibling]) expect((await other.send(cancel)).status).toBe(202);
  await session.send({ ...cancel, params: { requestId: 8 } });
  expect(call.cancelled).toBe(false);
  expect((await session.send(cancel)).status).toBe(202);
  await until(() => call.cancelled);
  expect(await answer).not.toContain('the report');
  // It was sent: what it did until then nobody here knows.
  expect(await outcomeOf(session.task)).toBe('possibly-completed');
});
