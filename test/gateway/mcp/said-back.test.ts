import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, it } from 'vitest';
import { billingBot, closeAfterAll, makeRig, until, untilReady } from '../rig.ts';

const values: Readonly<Record<string, string>> = { LISTS: 'token-of-lists', OWN: 'token-of-agent' };
const agent = { ...billingBot, tools: { 'echo/*': 'allow' } } as const;

type Message = { readonly id?: unknown; readonly method?: string };

/** A server of the older revisions, with a session for each handshake, that says on its streams and in its answers what it is told to. */
async function startEcho() {
  const streams: ServerResponse[] = [];
  const echo = { url: '', answer: 'nothing', streams };
  const resultOf = ({ method }: Message): object => {
    switch (method) {
      case 'initialize':
        return {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {}, resources: {}, logging: {} },
          serverInfo: { name: 'echo', version: '1' },
        };
      case 'tools/list':
        return { tools: [{ name: 'act', inputSchema: { type: 'object' } }] };
      case 'tools/call':
        return { content: [{ type: 'text', text: echo.answer }] };
      default:
        return { resources: [] };
    }
  };
  let sessions = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(': here\n\n');
        return void streams.push(response);
      }
      const message = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Message; // the gateway's own
      if (message.id === undefined) return void response.writeHead(202).end();
      const known = ['initialize', 'tools/list', 'tools/call', 'resources/list', 'logging/setLevel'];
      const said = known.includes(message.method ?? '')
        ? { result: resultOf(message) }
        : { error: { code: -32_601, message: 'unknown' } };
      const session = message.method === 'initialize' ? { 'mcp-session-id': `session-${(sessions += 1)}` } : {};
      response.writeHead(200, { 'content-type': 'application/json', ...session });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAfterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  echo.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`; // listening on TCP
  return echo;
}

it('in a session that was opened in another name neither credential is passed on, in an answer or on its stream', async () => {
  const rig = await makeRig();
  const echo = await startEcho();
  rig.configure((config) => ({
    ...config,
    agents: [agent],
    toolServers: [
      {
        serverId: 'echo',
        url: echo.url,
        tiers: { act: 'read' },
        credential: { env: 'LISTS' },
        credentials: { 'billing-bot': { env: 'OWN' } },
      },
    ],
  }));
  const gateway = await rig.startGateway({ readSecret: ({ env = '' }) => values[env] ?? '' });
  await untilReady(gateway);
  echo.streams.length = 0; // that of the gateway's own session
  const token = await rig.token(await rig.startTask(agent));
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
  const heard: string[] = [];
  client.setNotificationHandler('notifications/message', ({ params }) => void heard.push(String(params.data)));
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/echo`), { requestInit }));
  closeAfterAll(() => client.close().catch(() => undefined));
  await client.listResources();
  const call = async (): Promise<string> => JSON.stringify(await client.callTool({ name: 'act', arguments: {} }));
  expect(await call()).toContain('nothing');
  const stream = await until(() => echo.streams[0]);
  const say = (data: string): void =>
    void stream.write(
      `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } })}\n\n`,
    );
  for (const secret of Object.values(values)) say(`it came with ${secret}`);
  say('and that was all');
  await until(() => heard.includes('and that was all'));
  expect(heard).toEqual(['and that was all']);
  for (const secret of Object.values(values)) {
    echo.answer = `it came with ${secret}`;
    expect(await call(), secret).not.toContain(secret);
  }
});
