import { createServer, request as sendHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, expect, it } from 'vitest';
import type { SecretAt } from '../../../src/contract/config.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, until, untilReady } from '../rig.ts';
import { everythingTools, startEverythingServer } from './everything-server.ts';

/** Taken out once: in whose name a session is opened that begins with a list (client-link.ts). */
const agent = { ...billingBot, tools: { 'everything/*': 'allow' } } as const;
const values: Readonly<Record<string, string>> = { LISTS: 'token-of-lists', OWN: 'token-of-agent' };
let rig: Rig;
let url = '';
/** What each request came with, by its method. */
const came: { readonly method: string; readonly authorization: string | undefined }[] = [];

beforeAll(async () => {
  rig = await makeRig();
  const server = await startEverythingServer();
  closeAfterAll(() => server.stop());
  // Stands before it and lets nobody through who shows nothing.
  const door = createServer((request, response) => {
    const { authorization } = request.headers;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const body = Buffer.concat(chunks);
      const { method = request.method ?? '' } = JSON.parse(body.toString('utf8') || '{}') as {
        readonly method?: string;
      };
      came.push({ method, authorization });
      if (authorization === undefined) return void response.writeHead(401).end();
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
  url = `http://127.0.0.1:${(door.address() as AddressInfo).port}/mcp`; // listening on TCP
});

it.each([
  ['the one of its server', undefined, 'token-of-lists'],
  ['one of its own', { 'billing-bot': { env: 'OWN' } }, 'token-of-agent'],
] as const)(
  'a client with a session, which lists before it reads and calls, goes by %s',
  async (_what, credentials, own) => {
    const tiers = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));
    const perAgent: { readonly credentials?: Readonly<Record<string, SecretAt>> } =
      credentials === undefined ? {} : { credentials };
    rig.configure((config) => ({
      ...config,
      agents: [agent],
      toolServers: [{ serverId: 'everything', url, tiers, credential: { env: 'LISTS' }, ...perAgent }],
    }));
    came.length = 0;
    const token = await rig.token(await rig.startTask(agent));
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    // Its first look at its servers is over when it is there.
    const gateway = await rig.startGateway({ readSecret: ({ env = '' }) => values[env] ?? '' });
    await untilReady(gateway);
    await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/everything`), { requestInit }));
    closeAfterAll(() => client.close().catch(() => undefined));
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toContain('test://static-text');
    expect(JSON.stringify(await client.readResource({ uri: 'test://static-text' }))).toContain('static text');
    expect(JSON.stringify(await client.callTool({ name: 'test_simple_text', arguments: {} }))).toContain('text');
    const shown = (method: string) => came.filter((one) => one.method === method).map((one) => one.authorization);
    expect([shown('resources/read'), shown('tools/call')]).toEqual([[`Bearer ${own}`], [`Bearer ${own}`]]);
    expect(new Set(shown('resources/list'))).toEqual(new Set(['Bearer token-of-lists']));
    expect(came.filter(({ authorization }) => authorization === undefined)).toEqual([]);
  },
);

it('a session whose credential was replaced is opened anew with the new one, and the old one is closed', async () => {
  const tiers = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));
  const now: Record<string, string> = { ...values };
  rig.configure((config) => ({
    ...config,
    agents: [agent],
    toolServers: [
      {
        serverId: 'everything',
        url,
        tiers,
        credential: { env: 'LISTS' },
        credentials: { 'billing-bot': { env: 'OWN' } },
      },
    ],
  }));
  const token = await rig.token(await rig.startTask(agent));
  const gateway = await rig.startGateway({ readSecret: ({ env = '' }) => now[env] ?? '' });
  await untilReady(gateway);
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/everything`), { requestInit }));
  closeAfterAll(() => client.close().catch(() => undefined));
  came.length = 0;
  const call = async () => JSON.stringify(await client.callTool({ name: 'test_simple_text', arguments: {} }));
  const shown = (method: string) => came.filter((one) => one.method === method).map((one) => one.authorization);
  expect([await call(), await call()].every((text) => text.includes('text'))).toBe(true);
  expect(shown('initialize')).toEqual(['Bearer token-of-agent']);
  now['OWN'] = 'token-of-agent-rotated';
  expect(await call()).toContain('text');
  expect(shown('initialize')).toEqual(['Bearer token-of-agent', 'Bearer token-of-agent-rotated']);
  await until(() => shown('DELETE').includes('Bearer token-of-agent'));
  await until(() => shown('GET').includes('Bearer token-of-agent-rotated'));
});
