import { beforeAll, expect, it } from 'vitest';
import { callTool, makeRig, type Rig, type RunningGateway, until, untilReady } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await makeRig();
});

/** Its word at /readyz, once it has a lease. */
const wordWithLease = (gateway: RunningGateway): Promise<{ readonly is: unknown }> =>
  until(async () => {
    const answer = await fetch(`${gateway.url}/readyz`);
    const { why } = (await answer.json()) as { readonly why?: string };
    return !['no-lease', 'no-beat', 'draining'].includes(why ?? '') && { is: why };
  });

// An agent that came then was denied tools that are there: they are called only once they are on record.
it('a gateway is not ready before the tools of its servers are on record, if only the store is to blame', async () => {
  const holder = await rig.ledger.session();
  await holder.query('BEGIN');
  await holder.query('SELECT 1 FROM estop.tool_pin_version FOR UPDATE');
  const gateway = await rig.startGateway();
  expect(rig.logLines.map(({ fields }) => fields['event'])).toContain('upstream.undiscovered');
  expect(await wordWithLease(gateway)).toEqual({ is: 'tools-unrecorded' });
  expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);

  await holder.query('COMMIT');
  await untilReady(gateway);
  const token = await rig.token(await rig.startTask());
  expect(await callTool(gateway, token, 'billing__list_invoices', {})).toMatchObject({ isError: false });
});

it('a server that is not there keeps no gateway from being ready', async () => {
  rig.configure((config) => ({
    ...config,
    toolServers: [...config.toolServers, { serverId: 'gone', url: 'http://127.0.0.1:9/mcp' }],
  }));
  const gateway = await rig.startGateway();
  expect(await wordWithLease(gateway)).toEqual({ is: undefined });
});
