import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { beforeAll, expect, it } from 'vitest';
import { queues, signals, stopIntakeWorkflowId, workflowTypes } from '../../src/contract/names.ts';
import type { StopOrder } from '../../src/contract/stop.ts';
import { requires } from '../kit/requires.ts';
import { newId, order } from '../store/ledger.ts';
import { environment, type Rig, startRig, until } from './rig.ts';

const limits = { history: 60, orders: 5, bytes: 4_000 };

requires('temporal')('an intake that receives more orders than one run can hold', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work();
  });

  const workflowId = stopIntakeWorkflowId(environment);
  const accept = (one: StopOrder) =>
    rig.control.workflow.signalWithStart(workflowTypes.stopIntake, {
      workflowId,
      taskQueue: queues.control,
      args: [[], limits],
      signal: signals.order,
      signalArgs: [one],
    });
  const describeRun = () => rig.control.workflow.getHandle(workflowId).describe();
  const carriedBy = async (runId: string): Promise<readonly StopOrder[]> => {
    const { events } = await rig.control.workflow.getHandle(workflowId, runId).fetchHistory();
    const payloads = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
    const [carried] = await decodeArrayFromPayloads(rig.control.options.loadedDataConverter, payloads);
    return carried as readonly StopOrder[]; // what the run before it handed on
  };

  it('goes on as a new run although the store is away, takes the widest along, and loses none', async () => {
    const blocker = await rig.ledger.session();
    await blocker.query('BEGIN');
    await blocker.query('SELECT 1 FROM estop.latch_order FOR UPDATE');
    const task = (): StopOrder => ({ ...order(`task:${newId('task')}`), reason: '\u00e9'.repeat(500) });
    const orders = [task(), order('agent:first'), order('fleet'), ...Array.from({ length: 40 }, task)];
    for (const one of orders.slice(0, 1)) await accept(one);
    const { runId } = await describeRun();
    await until(async () => (await describeRun()).raw.pendingActivities?.some(({ attempt }) => Number(attempt) > 1));
    for (const one of orders.slice(1)) await accept(one);
    const next = await until(async () => {
      const run = await describeRun();
      return run.runId !== runId && run.runId;
    });
    const carried = await carriedBy(next);
    expect(carried.slice(0, 2).map(({ scopeKey }) => scopeKey)).toEqual(['fleet', 'agent:first']);
    expect(carried.length).toBeGreaterThan(2);
    expect(carried.length).toBeLessThanOrEqual(limits.orders);
    expect(Buffer.byteLength(JSON.stringify(carried))).toBeLessThanOrEqual(limits.bytes);
    await blocker.query('ROLLBACK');
    const latched = async () => (await rig.ledger.sql('SELECT stop_id FROM estop.stops')).map((row) => row['stop_id']);
    await until(async () => (await latched()).length === orders.length);
    expect(new Set(await latched())).toEqual(new Set(orders.map(({ stopId }) => stopId)));
  }, 90_000);
});
