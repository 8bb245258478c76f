import { beforeAll, describe, expect, it } from 'vitest';
import { type FaultProxy, listen, type Toxic } from '../../examples/demo/fault-proxy.ts';
import { taskKey } from '../../src/core/scope-key.ts';
import { systemClock } from '../../src/gateway/fence/clock.ts';
import { stop } from '../store/ledger.ts';
import {
  callTool,
  closeAfterAll,
  makeRig,
  type Rig,
  type RunningGateway,
  until,
  untilFenced,
  untilNotReady,
  untilReady,
} from './rig.ts';

/**
 * Each guard was taken out once; what failed then:
 * - the end of the lease (lease.ts, holds): "no stop process", "store is down", "is cut off by the network";
 * - the gap (lease.ts, standing), or taking any drain for one after the gap (nextGap): "asks for a drain of the intake";
 * - comparing the clocks (isSteady): "is what a clock that jumps makes of a lease";
 * - the third fence (fence-and-answer.ts): "ends a call whose answer comes after the clock jumped";
 * - cutting what is open when the lease is lost (Fence.advance): "ends what it has in flight when its lease runs out";
 * - refusing a lower epoch (renewed): "is refused while its epoch is lower than one that was seen".
 */
let rig: Rig;
let proxy: FaultProxy;
let gateway: RunningGateway;
/** Added to the wall clock of the gateway alone. */
let jumpMs = 0;

beforeAll(async () => {
  rig = await makeRig();
  const url = new URL(rig.ledger.urls.estop_gateway);
  proxy = await listen({ host: url.hostname, port: Number(url.port) });
  closeAfterAll(() => proxy.close());
  url.port = String(proxy.port);
  url.hostname = proxy.host;
  const clock = () => ({ ...systemClock(), wall: Date.now() + jumpMs });
  gateway = await rig.startGateway({ databaseUrl: url.href, clock });
  await untilReady(gateway);
});

async function expectsNothing(code: string): Promise<void> {
  const task = await rig.startTask();
  const reply = await callTool(gateway, await rig.token(task), 'billing__list_invoices', {});
  expect(reply).toMatchObject({ status: 503, body: { code } });
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(rig.calls(task)).toEqual([]);
}

async function worksAgain(): Promise<void> {
  await untilReady(gateway);
  const reply = await callTool(gateway, await rig.token(await rig.startTask()), 'billing__list_invoices', {});
  expect(reply).toMatchObject({ status: 200, isError: false });
}

describe('a gateway that cannot learn of stops', () => {
  it('admits nothing while no stop process exercises the latch, and says that it is not ready', async () => {
    rig.heart.beating = false;
    await untilNotReady(gateway);
    await expectsNothing('no-lease');
    rig.heart.beating = true;
    await worksAgain();
  });

  it.each<readonly [string, Toxic]>([
    ['is down', { type: 'down' }],
    ['is cut off by the network, which swallows every byte and closes nothing', { type: 'timeout', timeout: 0 }],
  ])(
    'admits nothing while the store %s, and ends what it has in flight when its lease runs out; for a stop it counts as expired',
    async (_how, toxic) => {
      const [task, other] = [await rig.startTask(), await rig.startTask()];
      const tokens = [await rig.token(task), await rig.token(other)];
      const calls = tokens.map((token) => callTool(gateway, token, 'billing__slow_report', { seconds: 60 }));
      await until(() => rig.calls(task).length === 1 && rig.calls(other).length === 1);
      await proxy.addToxic('gone', toxic);
      // Behind the back of the gateway, which hears of nothing any more.
      const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
      await untilFenced(rig, stopId);
      expect(await rig.ledger.sql('SELECT outcome FROM estop.stop_gateways WHERE stop_id = $1', [stopId])).toEqual([
        { outcome: 'expired' },
      ]);
      // What it left unsettled is reported.
      expect(
        await rig.ledger.sql('SELECT possibly_completed AS calls FROM estop.stop_progress WHERE stop_id = $1', [
          stopId,
        ]),
      ).toEqual([{ calls: 1 }]);
      await untilNotReady(gateway);
      await expectsNothing('no-lease');
      for (const call of calls)
        expect(await call).toMatchObject({ isError: true, meta: { 'estop/decision': 'possibly-completed' } });
      await until(() => [task, other].every((one) => rig.calls(one)[0]?.abortedAt !== undefined));
      await proxy.removeToxic();
      await worksAgain();
      expect((await callTool(gateway, tokens[0] ?? '', 'billing__list_invoices', {})).meta['estop/stopId']).toBe(
        stopId,
      );
      // Settled late, but settled.
      await until(
        async () =>
          (await rig.ledger.sql('SELECT outcome FROM estop.calls WHERE task_id = $1', [other.taskId]))[0]?.[
            'outcome'
          ] === 'possibly-completed',
      );
    },
  );
});

const leaseUntil = async (): Promise<unknown> =>
  String(
    (await rig.ledger.sql('SELECT lease_until::text AS at FROM estop.gateways WHERE retired_at IS NULL'))[0]?.['at'],
  );

describe('a gap in the lease', () => {
  it('asks for a drain of the intake, and nothing is admitted before one that began after the gap, nor what was stopped meanwhile', async () => {
    const task = await rig.startTask();
    const token = await rig.token(task);
    rig.heart.draining = false;
    await proxy.addToxic('gone', { type: 'down' });
    await untilNotReady(gateway);
    await proxy.removeToxic();
    // It has a lease again, and knows that this is not enough.
    await until(
      async () =>
        ((await (await fetch(`${gateway.url}/readyz`)).json()) as { readonly why?: string }).why === 'draining',
    );
    await expectsNothing('no-lease');
    // What was drained before the gap does not count, and two renewals have seen it.
    await rig.ledger.sql("SELECT estop.record_drain(drain_wanted_at - interval '1 second') FROM estop.gateways");
    for (const _renewal of [1, 2]) {
      const before = await leaseUntil();
      await until(async () => (await leaseUntil()) !== before);
    }
    await expectsNothing('no-lease');
    // The intake holds a stop; it is latched while being drained, and only then is the drain recorded.
    expect((await callTool(gateway, token, 'billing__list_invoices', {})).status).toBe(503);
    const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
    rig.heart.draining = true;
    await worksAgain();
    expect((await callTool(gateway, token, 'billing__list_invoices', {})).meta['estop/stopId']).toBe(stopId);
    expect(rig.calls(task)).toEqual([]);
  });

  it('is what a clock that jumps makes of a lease: both clocks must agree', async () => {
    const drains = rig.heart.drains;
    jumpMs = 600_000;
    await expectsNothing('no-lease');
    await worksAgain();
    expect(rig.heart.drains).toBeGreaterThan(drains);
  });

  it('ends a call whose answer comes after the clock jumped: the answer is not passed on', async () => {
    const task = await rig.startTask();
    const call = callTool(gateway, await rig.token(task), 'billing__slow_report', { seconds: 1 });
    await until(() => rig.calls(task).length === 1);
    // No renewal may mend the lease before the answer comes; without the jump it would have lasted that long.
    await proxy.addToxic('hang', { type: 'timeout', timeout: 0 });
    jumpMs -= 300_000;
    expect((await call).meta['estop/decision']).toBe('possibly-completed');
    await proxy.removeToxic();
    await worksAgain();
  });
});

describe('a gateway that was retired by others', () => {
  it('registers anew, and serves again after a drain', async () => {
    const [before] = await rig.ledger.sql('SELECT gateway_id AS id FROM estop.gateways WHERE retired_at IS NULL');
    await rig.ledger.sql('SELECT estop.retire_gateways($1, NULL)', [before?.['id']]);
    await until(async () => {
      const [now] = await rig.ledger.sql('SELECT gateway_id AS id FROM estop.gateways WHERE retired_at IS NULL');
      return now !== undefined && now['id'] !== before?.['id'];
    });
    await worksAgain();
  });
});

describe('a store that was restored from a backup', () => {
  it('is refused while its epoch is lower than one that was seen', async () => {
    const task = await rig.startTask();
    const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
    await untilFenced(rig, stopId);
    const [row] = await rig.ledger.sql('DELETE FROM estop.stops WHERE stop_id = $1 RETURNING *', [stopId]);
    await until(
      async () =>
        ((await (await fetch(`${gateway.url}/readyz`)).json()) as { readonly why?: string }).why === 'store-restored',
    );
    await expectsNothing('store-restored');
    await rig.ledger.sql('INSERT INTO estop.stops SELECT * FROM json_populate_record(NULL::estop.stops, $1)', [
      JSON.stringify(row),
    ]);
    await worksAgain();
  });
});
