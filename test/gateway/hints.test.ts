import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { recordDrain } from '../../src/store/fence.ts';
import { storeNow } from '../../src/store/installation.ts';
import { sendStopHint } from '../../src/store/stop-hints.ts';
import { keepBeating } from '../store/ledger.ts';
import { makeRig } from './rig.ts';

afterEach(() => vi.useRealTimers());

it('a hint makes a gateway renew at once: with all its timers standing still it still follows', async () => {
  const rig = await makeRig();
  // Its beat and its drain are this test's own business: one that is still on its way would tell the gateway too early.
  rig.heart.beating = false;
  rig.heart.draining = false;
  // No period, no time-out: from here on nothing but a reply or a hint makes the gateway do anything.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const why = async (): Promise<string> => {
    const body = (await (await fetch(`${gateway.url}/readyz`)).json()) as {
      readonly status: string;
      readonly why?: string;
    };
    return body.why ?? body.status;
  };
  await keepBeating(rig.ledger);
  const gateway = await rig.startGateway();
  while ((await why()) !== 'draining') {
    await keepBeating(rig.ledger);
    await sendStopHint(rig.ledger.as('estop_stop'), 0);
    await sleep(20);
  }
  // Every hint sent so far has had its renewal: one that comes late would read what is written below.
  const leaseNow = async () =>
    (await rig.ledger.sql('SELECT lease_until::text AS lease FROM estop.gateways'))[0]?.['lease'];
  for (let same = 0, before: unknown; same < 40; ) {
    const now = await leaseNow();
    same = now === before ? same + 1 : 0;
    before = now;
    await sleep(20);
  }
  const revoker = rig.ledger.as('estop_revoker');
  await recordDrain(revoker, await storeNow(revoker));
  // Nobody has told it, also where its lease ends meanwhile.
  for (let look = 0; look < 20; look += 1) {
    expect(await why()).not.toBe('ok');
    await sleep(20);
  }
  // Once is enough, unless that lease is over: then the drain has to be younger than its next one.
  for (let told = 0; (await why()) !== 'ok'; told += 1) {
    if (told > 0 && (await why()) === 'draining') await recordDrain(revoker, await storeNow(revoker));
    await keepBeating(rig.ledger);
    await sendStopHint(rig.ledger.as('estop_stop'), 0);
    await sleep(100);
  }
  vi.useRealTimers();
  await gateway.close();
});
