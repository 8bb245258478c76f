import { createServer, request as sendHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec } from '../../../src/contract/config.ts';
import { billingBot, closeAfterAll, makeRig, post, type Rig, type RunningGateway, until, untilReady } from '../rig.ts';
import { everythingTools, startEverythingServer } from './everything-server.ts';

const agent: AgentSpec = { ...billingBot, tools: { 'honest/*': 'allow', 'lying/*': 'allow' } };
let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  const server = await startEverythingServer();
  closeAfterAll(() => server.stop());
  // Stands before it, and has more resources than a function takes arguments.
  const door = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const body = Buffer.concat(chunks);
      const { id, method } = JSON.parse(body.toString('utf8') || '{}') as {
        readonly id?: unknown;
        readonly method?: string;
      }; // the gateway's own
      if (method === 'resources/list') {
        response.writeHead(200, { 'content-type': 'application/json' });
        const resources = `[${'1,'.repeat(1_900_000)}1]`;
        return void response.end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"resources":${resources}}}`);
      }
      const forwarded = sendHttp(server.url, { method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      forwarded.on('error', () => response.destroy());
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
    toolServers: [
      { serverId: 'honest', url: server.url, tiers },
      { serverId: 'lying', url, tiers },
    ],
  }));
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

it('a server that lists more than anybody has does not take the lists of the others away', async () => {
  const token = await rig.token(await rig.startTask(agent));
  const listed = await until(async () => {
    const { body } = await post(gateway, token, { jsonrpc: '2.0', id: 1, method: 'resources/list' });
    const { resources } = (body['result'] ?? {}) as { readonly resources?: readonly { readonly uri: string }[] }; // a list
    return resources ?? JSON.stringify(body['error']);
  });
  expect(listed).toContainEqual(expect.objectContaining({ uri: 'mcp.honest+test://static-text' }));
});
