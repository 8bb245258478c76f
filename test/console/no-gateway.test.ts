import { expect, it } from 'vitest';
import { registerGateway } from '../../src/store/gateways.ts';
import { makeControl } from '../control/rig.ts';
import { addAgent, newId, startTask } from '../store/ledger.ts';

it('whoever looks at what runs is told when no gateway lets anything through, and by which command to learn why', async () => {
  const { ledger, call } = await makeControl();
  const now = async () => (await call('GET', '/', { as: 'olga@operator' })).text.replaceAll(/<[^>]*>/g, '');
  const note = /No gateway holds a lease: nothing that an agent calls gets through\..*estop doctor says why/;
  expect(await now()).not.toMatch(note);
  await startTask(ledger, await addAgent(ledger));
  await expect.poll(now, { timeout: 20_000 }).toMatch(note);
  const gatewayId = newId('gw');
  await registerGateway(ledger.as('estop_gateway'), gatewayId, '127.0.0.1:1');
  const leased = (ms: number) =>
    ledger.sql(
      'UPDATE estop.gateways SET lease_until = clock_timestamp() + make_interval(secs => $2 / 1000.0) WHERE gateway_id = $1',
      [gatewayId, ms],
    );
  await leased(60_000);
  await expect.poll(now, { timeout: 20_000 }).not.toMatch(note);
  await leased(-1);
  await expect.poll(now, { timeout: 20_000 }).toMatch(note);
});
