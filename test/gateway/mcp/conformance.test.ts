import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { unlessMissing } from '../../kit/requires.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, readerBot, untilReady } from '../rig.ts';
import { type EverythingServer, everythingTools, startEverythingServer } from './everything-server.ts';
import { hasSuite, runSuite } from './run-suite.ts';

// What may be done with these tools is not in question here, but whether what is said arrives.
const readTools = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));

const asking = 'everything/test_input_required_result_prompt';

let rig: Rig;
let direct: EverythingServer;
let gated: string;
beforeAll(async () => {
  rig = await makeRig();
  direct = await startEverythingServer();
  closeAfterAll(() => direct.stop());
  rig.configure((config) => ({
    ...config,
    // Without a request on record only a prompt that is named by itself is told what it asks for.
    agents: [{ ...billingBot, tools: { 'everything/*': 'allow' }, prompts: [asking] }, readerBot],
    toolServers: [{ serverId: 'everything', url: direct.url, tiers: readTools }],
  }));
  const gateway = await rig.startGateway();
  await untilReady(gateway);
  gated = await withToken(`${gateway.url}/mcp/everything`, await rig.token(await rig.startTask()));
});

/** The suite sends no credential; what stands here only adds one, and leaves everything else as it is. */
async function withToken(target: string, token: string): Promise<string> {
  const { hostname, port, pathname } = new URL(target);
  const server = createServer((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const onward = httpRequest({ hostname, port, path: pathname, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAfterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`; // listening on TCP
}

unlessMissing(hasSuite ? undefined : 'install the package @modelcontextprotocol/conformance (npm ci)')(
  'the conformance suite of MCP',
  () => {
    it.each(['2025-11-25', '2026-07-28'])(
      'says the same of the gate as of the server behind it, check for check, for %s',
      async (revision) => {
        const before = await runSuite(direct.url, revision, join(rig.folder, `direct-${revision}`));
        const behind = await runSuite(gated, revision, join(rig.folder, `gated-${revision}`));
        expect(Object.keys(before).length).toBeGreaterThan(25);
        expect(behind).toEqual(before);
      },
      240_000,
    );
  },
);
