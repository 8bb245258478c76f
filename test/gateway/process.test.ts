import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { agentKey, taskKey } from '../../src/core/scope-key.ts';
import { resetStop } from '../../src/store/stops.ts';
import { stop } from '../store/ledger.ts';
import { startGatewayProcess } from './gateway-process.ts';
import { callTool, makeRig, type Rig, until, untilFenced, untilReady } from './rig.ts';

const suspendedMs = 20_000;
let rig: Rig;
beforeAll(async () => {
  rig = await makeRig();
});

const reset = async (stopId: string): Promise<void> => {
  expect((await resetStop(rig.ledger.as('estop_control'), { stopId, actor: 'olga', reason: 'over' })).kind).toBe(
    'reset',
  );
};
const fencedAt = async (stopId: string): Promise<number> =>
  Number(
    (
      await rig.ledger.sql(
        'SELECT extract(epoch FROM fenced_at) * 1000 AS at FROM estop.stop_progress WHERE stop_id = $1',
        [stopId],
      )
    )[0]?.['at'],
  );
const gatewaysOf = async (stopId: string): Promise<readonly unknown[]> =>
  (await rig.ledger.sql('SELECT outcome FROM estop.stop_gateways WHERE stop_id = $1', [stopId])).map(
    (row) => row['outcome'],
  );

/** A gateway under load, suspended in the middle of it. */
async function suspendedAfter(calls: number) {
  const gateway = await startGatewayProcess(rig);
  const tasks = await Promise.all(Array.from({ length: 4 }, () => rig.startTask()));
  const tokens = await Promise.all(tasks.map((task) => rig.token(task)));
  let go = true;
  let answered = 0;
  let passed = 0; // one that lost its lease answers quickly, and calls nothing
  const lateAnswers: unknown[] = [];
  let suspendedAt = Number.POSITIVE_INFINITY;
  const client = async (token: string): Promise<void> => {
    while (go) {
      const reply = await callTool(gateway, token, 'billing__send_reminder', { invoice_id: 'INV-1' }).catch(
        () => undefined,
      );
      answered += 1;
      if (reply === undefined || reply.isError || reply.status !== 200) continue;
      passed += 1;
      if (Date.now() > suspendedAt) lateAnswers.push(reply.body);
    }
  };
  const clients = Array.from({ length: 16 }, (_, index) => client(tokens[index % tokens.length] ?? ''));
  await until(() => passed > calls);
  gateway.signal('SIGSTOP');
  const wake = async (): Promise<void> => {
    suspendedAt = Date.now();
    gateway.signal('SIGCONT');
    await untilReady(gateway);
    const woken = answered;
    await until(() => answered > woken + 32);
    go = false;
    await Promise.all(clients);
    await gateway.close();
  };
  return { tasks, lateAnswers, wake };
}

describe('gateways that are suspended around their calls and woken after the stop', () => {
  it('send nothing that is not reported as possibly completed, and pass no answer on', async () => {
    const suspended = await Promise.all([40, 80, 120].map(suspendedAfter));
    const isOver = sleep(suspendedMs);
    const { stopId } = await stop(rig.ledger, agentKey('billing-bot'));
    await untilFenced(rig, stopId);
    await isOver;
    // Past the longest of leases, and of the time-outs of everybody they speak with: they wake into a world in which they must not act.
    expect(new Set(await gatewaysOf(stopId))).toEqual(new Set(['expired']));
    await Promise.all(suspended.map(({ wake }) => wake()));

    const at = await fencedAt(stopId);
    const possibly = new Set(
      (await rig.ledger.sql("SELECT call_id FROM estop.calls WHERE outcome = 'possibly-completed'")).map(
        (row) => row['call_id'],
      ),
    );
    for (const { tasks, lateAnswers } of suspended) {
      const ours = rig.upstream.calls().filter((call) => tasks.some((task) => task.taskId === call.taskId));
      expect(ours.filter((call) => Math.max(call.at, call.effectAt ?? 0) > at && !possibly.has(call.callId))).toEqual(
        [],
      );
      expect(ours.length).toBeGreaterThan(40);
      // Sixteen were under way. The one whose tick was suspended between the check and the write is out of any process's own reach.
      expect(lateAnswers.length).toBeLessThanOrEqual(1);
    }
    await reset(stopId);
  });
});

describe('a gateway process that ends', () => {
  it('by SIGKILL leaves a call that the next stop reports as possibly completed, and no socket upstream', async () => {
    const gateway = await startGatewayProcess(rig);
    const task = await rig.startTask();
    const call = callTool(gateway, await rig.token(task), 'billing__slow_report', { seconds: 60 }).catch(() => 'gone');
    await until(() => rig.calls(task).length === 1);
    await gateway.close();
    expect(await call).toBe('gone');
    await until(() => rig.calls(task)[0]?.abortedAt !== undefined);
    const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
    await untilFenced(rig, stopId);
    expect(new Set(await gatewaysOf(stopId))).toEqual(new Set(['expired']));
    expect(
      await rig.ledger.sql('SELECT possibly_completed AS calls FROM estop.stop_progress WHERE stop_id = $1', [stopId]),
    ).toEqual([{ calls: 1 }]);
    await reset(stopId);
  });

  it('by SIGTERM lets short calls end, cuts long ones, settles both and retires itself', async () => {
    const gateway = await startGatewayProcess(rig);
    const [short, long] = [await rig.startTask(), await rig.startTask()];
    const shortCall = callTool(gateway, await rig.token(short), 'billing__slow_report', { seconds: 1 });
    const longCall = callTool(gateway, await rig.token(long), 'billing__slow_report', { seconds: 60 });
    await until(() => rig.calls(short).length + rig.calls(long).length === 2);
    gateway.signal('SIGTERM');
    expect(await shortCall).toMatchObject({ isError: false, text: 'The report took 1 s.' });
    expect((await longCall).meta['estop/decision']).toBe('possibly-completed');
    expect(await gateway.exited).toBe(0);
    const outcomes = await rig.ledger.sql(
      'SELECT task_id, outcome FROM estop.calls WHERE task_id = ANY ($1) ORDER BY outcome',
      [[short.taskId, long.taskId]],
    );
    expect(outcomes).toEqual([
      { task_id: short.taskId, outcome: 'completed' },
      { task_id: long.taskId, outcome: 'possibly-completed' },
    ]);
    // A later stop need not wait for its lease.
    const { stopId } = await stop(rig.ledger, taskKey(short.taskId));
    const [unretired] = await rig.ledger.sql(
      'SELECT count(*)::int AS gateways FROM estop.gateways WHERE retired_at IS NULL AND lease_until > clock_timestamp()',
    );
    expect(unretired).toEqual({ gateways: 0 });
    await untilFenced(rig, stopId);
  });
});
