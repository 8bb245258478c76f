import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { expect, it } from 'vitest';
import type { AgentSpec, EstopConfig } from '../../src/contract/config.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createTaskTokenSigner } from '../../src/runtime/keys/task-token.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { makeControl } from '../control/rig.ts';
import { billingBot, closeAfterAll, makeRig, untilReady } from '../gateway/rig.ts';
import { requires } from '../kit/requires.ts';
import { putAgents } from '../store/ledger.ts';

const secret = 'a-secret-of-the-laptop-0123456789-abcdef';
const coder: AgentSpec = { ...billingBot, agentId: 'coder', clients: { laptop: { env: 'LAPTOP' } } };

requires('temporal')('the program of the pages that opens a session', () => {
  it('examples/open-a-session.ts: needs three settings, and lists what its agent may call', async () => {
    const rig = await makeRig();
    const control = await makeControl([]);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    let config: EstopConfig | undefined;
    rig.configure((before) => (config = { ...before, agents: [coder] }));
    await putAgents(rig.ledger, [coder]);
    const ring = openKeyRing(rig.keysFolder, 'token', 'test');
    const { app } = control.withDeps({
      store: rig.ledger.as('estop_control'),
      config: { current: () => config as EstopConfig }, // set above
      signer: createTaskTokenSigner({ ring, environment: 'test', trustDomain: 'test.local' }),
      flowKeys: createFlowKeys(openKeyRing(rig.keysFolder, 'flow', 'test')),
      controlUrl: url,
      readSecret: () => secret,
    });
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
    closeAfterAll(() => new Promise((resolve) => server.close(() => resolve())));
    const gateway = await rig.startGateway({ tokenIssuer: url });
    await untilReady(gateway);
    const child = spawn(process.execPath, [join(packageRoot, 'examples', 'open-a-session.ts')], {
      env: { PATH: process.env['PATH'], ESTOP_CONTROL_URL: url, ESTOP_GATEWAY_URL: gateway.url, CODER_SECRET: secret },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said += piece.toString()));
    await once(child, 'close');
    expect([child.exitCode, said.trim().split('\n').toSorted()]).toEqual([
      0,
      expect.arrayContaining(['billing__list_invoices']),
    ]);
    const opened = "SELECT kind, agent_id FROM estop.tasks WHERE requested_by = 'client:coder.laptop'";
    expect(await rig.ledger.sql(opened)).toEqual([{ kind: 'session', agent_id: 'coder' }]);
  }, 60_000);
});
