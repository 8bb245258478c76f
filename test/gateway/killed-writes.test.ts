import { beforeAll, describe, expect, it } from 'vitest';
import { taskKey } from '../../src/core/scope-key.ts';
import { type PausedWrites, pausedWrites, type WriteAt } from '../kit/paused-writes.ts';
import { stop } from '../store/ledger.ts';
import { startGatewayProcess } from './gateway-process.ts';
import { callTool, makeRig, type Rig, until, untilFenced } from './rig.ts';

/** What a gateway writes on the way of a stop. */
const writes = {
  'how a call ended': ['calls', 'UPDATE', 'OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL'],
  'that it is fenced': ['gateways', 'UPDATE', 'OLD.confirmed_epoch IS DISTINCT FROM NEW.confirmed_epoch'],
} as const satisfies Record<string, WriteAt>;

describe('a gateway that is killed in the middle of what it writes under a stop', () => {
  let rig: Rig;
  let paused: PausedWrites<keyof typeof writes>;
  beforeAll(async () => {
    rig = await makeRig();
    paused = await pausedWrites(rig.ledger, writes, "wrote ->> 'gateway_id'");
  });

  /** A gateway that has answered one call, and its id. */
  const working = async () => {
    const gateway = await startGatewayProcess(rig);
    const task = await rig.startTask();
    const token = await rig.token(task);
    expect(await callTool(gateway, token, 'billing__list_invoices', {})).toMatchObject({ isError: false });
    const settled = 'SELECT gateway_id FROM estop.calls WHERE task_id = $1 AND settled_at IS NOT NULL';
    const [row] = await until(async () => {
      const rows = await rig.ledger.sql(settled, [task.taskId]);
      return rows.length === 1 && rows;
    });
    return { gateway, task, token, gatewayId: String(row?.['gateway_id']) };
  };
  const told = async (stopId: string, gatewayId: string): Promise<unknown> => {
    await untilFenced(rig, stopId);
    const [row] = await rig.ledger.sql(
      `SELECT g.outcome, p.possibly_completed AS unknown, p.fenced_at - p.seen_at >= interval '3 s' AS after_a_lease
       FROM estop.stop_progress p JOIN estop.stop_gateways g USING (stop_id) WHERE p.stop_id = $1 AND g.gateway_id = $2`,
      [stopId, gatewayId],
    );
    return row;
  };
  /** Of the one call that is not the first: how it ended. */
  const endOfCall = async (taskId: string): Promise<unknown> =>
    (
      await rig.ledger.sql('SELECT outcome FROM estop.calls WHERE task_id = $1 ORDER BY admitted_at DESC LIMIT 1', [
        taskId,
      ])
    )[0]?.['outcome'];

  it.each([
    ['landed', { outcome: 'confirmed', unknown: 0, after_a_lease: expect.any(Boolean) }],
    ['lost', { outcome: 'expired', unknown: 0, after_a_lease: true }],
  ] as const)(
    'its confirmation %s: the fence says so, and no sooner than its lease where it said nothing',
    async (outcome, expected) => {
      const { gateway, task, token, gatewayId } = await working();
      await paused.pause(gatewayId, 'that it is fenced');
      const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
      await until(async () => (await paused.standing()) === 1);
      await gateway.close();
      await paused.release(gatewayId, outcome);
      expect(await told(stopId, gatewayId)).toEqual(expected);
      await staysStopped(token, task.taskId, 1);
    },
  );

  it.each(['landed', 'lost'] as const)(
    'the end of a call that it cut, %s: the call is reported as possibly completed',
    async (outcome) => {
      const { gateway, task, token, gatewayId } = await working();
      const call = callTool(gateway, token, 'billing__slow_report', { seconds: 60 }).catch(() => 'gone');
      await until(() => rig.calls(task).length === 2);
      await paused.pause(gatewayId, 'how a call ended');
      const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
      await until(async () => (await paused.standing()) === 1);
      await until(() => rig.calls(task)[1]?.abortedAt !== undefined);
      await gateway.close();
      await call;
      await paused.release(gatewayId, outcome);
      expect(await told(stopId, gatewayId)).toEqual({ outcome: 'expired', unknown: 1, after_a_lease: true });
      expect(await endOfCall(task.taskId)).toBe('possibly-completed');
      await staysStopped(token, task.taskId, 2);
    },
  );

  it.each([
    ['landed', 'completed', 0],
    ['lost', 'possibly-completed', 1],
  ] as const)('the end of a call that was answered, %s: it is told %s', async (outcome, end, unknown) => {
    const { gateway, task, token, gatewayId } = await working();
    await paused.pause(gatewayId, 'how a call ended');
    const call = callTool(gateway, token, 'billing__list_invoices', {}).catch(() => 'gone');
    await until(async () => (await paused.standing()) === 1);
    const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
    await gateway.close();
    await call;
    await paused.release(gatewayId, outcome);
    expect(await told(stopId, gatewayId)).toEqual({ outcome: 'expired', unknown, after_a_lease: true });
    expect(await endOfCall(task.taskId)).toBe(end);
    await staysStopped(token, task.taskId, 2);
  });

  /** The next gateway lets nothing through of what the dead one was told to stop. */
  async function staysStopped(token: string, taskId: string, calls: number): Promise<void> {
    const next = await startGatewayProcess(rig);
    expect(await callTool(next, token, 'billing__list_invoices', {})).not.toMatchObject({
      isError: false,
      status: 200,
    });
    expect(rig.upstream.calls().filter((call) => call.taskId === taskId)).toHaveLength(calls);
    await next.close();
  }
});
