import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { namespaces } from '../../src/contract/names.ts';
import { latch } from '../../src/store/latch.ts';
import { getStop } from '../../src/store/stops.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { hang, steeredConnector } from './steered-connector.ts';
import { callsOf, expectStopped, scheduled, taskIdOf, until, untilState } from './watch.ts';

const list = { tool: 'billing__list_invoices', arguments: {} };
const refund = { tool: 'billing__refund_payment', arguments: { invoice_id: 'INV-1', cents: 5 } };
const remind = { tool: 'billing__send_reminder', arguments: { invoice_id: 'INV-1' } };
const slow = { tool: 'billing__slow_report', arguments: { seconds: 300 } };
const run = promisify(execFile);
const { WorkflowTaskFailedCause } = temporal.api.enums.v1;
const order = { category: 0, graceMs: 0, reason: 'r', actor: 'Olga', method: 'api' } as const;

requires('temporal')('a kill', () => {
  let stack: Stack;
  const connector = steeredConnector();
  connector.issue = hang;
  beforeAll(async () => {
    stack = await startStack({
      agents: [
        agentSpec('billing-bot', {
          tools: {
            'billing/*': 'allow',
            'billing/send_reminder': 'allow',
            'billing/slow_report': 'allow',
            'billing/refund_payment': 'ask',
          },
        }),
        agentSpec('slow-starter', {
          limits: { ...agentSpec('x').limits, maxOpenTasks: 200 },
          grants: [{ name: 'db', connector: 'hanging', lifeMs: 60_000, options: {} }],
        }),
      ],
      connectors: connector.directory,
      scripts: {
        'thinks': [{ hang: true }],
        'reports': [{ call: [slow] }],
        'refunds': [{ call: [refund] }, { say: 'refunded' }],
        'reminds': [{ call: [remind] }, { say: 'could not' }],
        'refuses-slowly': [{ delayMs: 500, say: 'no' }],
        'for-ever': [{ call: [list], tokens: 1 }],
      },
    });
  });
  afterAll(() => stack.stop());

  it('ends a task while its model thinks, and hangs up on the model', async () => {
    const before = stack.model.abandoned();
    const handle = await stack.start('thinks');
    await until(() => stack.model.requests().some((body) => JSON.stringify(body).includes('thinks')));
    await handle.signal('kill');
    await expectStopped(handle);
    await until(() => stack.model.abandoned() > before);
    // The attempt ended as cancelled, not as a failure that would be tried again.
    const failed = stack.logged.filter((line) => line.includes(handle.workflowId) && line.includes('callModel'));
    expect(failed.filter((line) => !line.includes('no-lease') && !line.includes('"stopped"'))).toEqual([]);
    // That the gateway cut the call off came to no event, which would have had the workflow task that closes the task made anew.
    const causes = (await eventsOf(handle)).map((event) => event.workflowTaskFailedEventAttributes?.cause);
    expect(causes).not.toContain(WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND);
  });

  it('ends a task while a tool works for it', async () => {
    const handle = await stack.start('reports');
    await until(() => callsOf(stack, handle).includes('slow_report'));
    await handle.signal('kill');
    await expectStopped(handle);
  });

  it('ends a task that is starting, while a connector hangs over its grant', async () => {
    const handle = await stack.start('for-ever', { agentId: 'slow-starter' });
    await until(() => connector.asked.length === 1);
    expect((await stack.status(handle)).state).toBe('starting');
    await handle.signal('kill');
    await expectStopped(handle);
  });

  it('ends a task that waits for a human', async () => {
    const handle = await stack.start('refunds');
    await untilState(stack, handle, 'awaiting-approval');
    await handle.signal('kill');
    await expectStopped(handle);
  });

  it('ends a task that is held', async () => {
    const handle = await stack.start('for-ever', { limits: { maxSteps: 10_000 } });
    await handle.signal('hold');
    await untilState(stack, handle, 'held');
    await handle.signal('kill');
    await expectStopped(handle);
  });

  it('ends a task that is busy with one call after another, and no call arrives after it is closed', async () => {
    const handle = await stack.start('for-ever', { limits: { maxSteps: 10_000 } });
    await until(() => callsOf(stack, handle).length > 3);
    await handle.signal('kill');
    await expectStopped(handle);
    const arrived = callsOf(stack, handle).length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(callsOf(stack, handle).length).toBe(arrived);
  });

  it('comes from Temporal’s own command line, with no payload, and is latched in the ledger', async () => {
    const handle = await stack.start('thinks');
    await run(stack.temporal.binary, [
      'workflow',
      'signal',
      '--address',
      stack.temporal.address,
      '--namespace',
      namespaces.agents,
      '--workflow-id',
      handle.workflowId,
      '--name',
      'kill',
    ]);
    const { stopId } = await expectStopped(handle);
    expect(await getStop(stack.ledger.control, stopId)).toMatchObject({
      scopeKey: `task:${taskIdOf(handle)}`,
      method: 'signal',
      category: 0,
      actor: 'signal:unnamed',
    });
  });

  it('says who asked and why, as a claim', async () => {
    const handle = await stack.start('thinks');
    await handle.signal('kill', { actor: 'Eve\u0007', reason: 'it mails everybody', stopId: 'stop_test_made-up' });
    const { stopId } = await expectStopped(handle);
    expect(stopId).not.toContain('made-up');
    expect(await getStop(stack.ledger.control, stopId)).toMatchObject({
      actor: 'signal:Eve',
      reason: 'it mails everybody',
    });
  });

  it('names the stop that covers the task already, and latches no second one', async () => {
    const handle = await stack.start('thinks');
    const stopId = 'stop_test_0123456789abcdefghjkmnpqrs';
    await latch(stack.ledger.latch, { ...order, stopId, scopeKey: `task:${taskIdOf(handle)}` });
    await handle.signal('kill');
    expect(await expectStopped(handle)).toEqual({ stopId });
  });

  it('latches under another id where somebody has taken the task’s own for another scope', async () => {
    const handle = await stack.start('thinks');
    const taken = taskIdOf(handle).replace(/^task_/, 'stop_');
    await latch(stack.ledger.latch, { ...order, stopId: taken, scopeKey: 'connector:elsewhere' });
    await handle.signal('kill');
    const { stopId } = await expectStopped(handle);
    expect(stopId).not.toBe(taken);
    expect(await getStop(stack.ledger.control, stopId)).toMatchObject({ scopeKey: `task:${taskIdOf(handle)}` });
  });

  it('that is sent many times is one stop', async () => {
    const handle = await stack.start('thinks');
    await Promise.all(Array.from({ length: 20 }, () => handle.signal('kill').catch(() => undefined)));
    await expectStopped(handle);
    expect(await scheduled(handle, 'latchTask')).toBe(1);
  });

  it('reaches a task that was sent bytes nobody can read', async () => {
    const handle = await stack.start('thinks');
    const text = (value: string) => new TextEncoder().encode(value);
    for (const encoding of ['binary/estop-sealed', 'json/plain', 'no/such']) {
      for (const signalName of ['kill-me', 'approve', 'hold']) {
        const payload = { metadata: { encoding: text(encoding) }, data: text('{garbage') };
        await stack.client.workflowService.signalWorkflowExecution({
          namespace: namespaces.agents,
          workflowExecution: { workflowId: handle.workflowId },
          signalName,
          input: { payloads: [payload, payload, payload] },
        });
      }
    }
    await handle.signal('release');
    await handle.signal('kill');
    await expectStopped(handle);
    const failures = (await eventsOf(handle)).map((event) => event.workflowTaskFailedEventAttributes?.cause);
    expect(failures).not.toContain(
      WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
    );
  });

  it('is not needed where the ledger already says so: the next call ends the task', async () => {
    const handle = await stack.start('for-ever', { limits: { maxSteps: 10_000 } });
    await until(() => callsOf(stack, handle).length > 1);
    const stopId = 'stop_test_0123456789abcdefghjkmnpqrt';
    await latch(stack.ledger.latch, { ...order, stopId, scopeKey: `task:${taskIdOf(handle)}` });
    expect(await expectStopped(handle)).toMatchObject({ stopId });
  });

  it('is not what a stop of one tool means: the model is told, and the task goes on', async () => {
    await latch(stack.ledger.latch, {
      ...order,
      stopId: 'stop_test_0123456789abcdefghjkmnpqrv',
      scopeKey: 'tool:billing/send_reminder',
    });
    const handle = await stack.start('reminds');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'could not' });
    expect(JSON.stringify(stack.model.requests().at(-1))).toContain('Denied: a stop covers this tool.');
    expect(callsOf(stack, handle)).toEqual([]);
  });

  it('waits for nobody: it is latched while every row of the tasks’ ledger is locked, also over a task that is just ending', {
    timeout: 60_000,
  }, async () => {
    const thinking = await stack.start('thinks');
    const { ending, unlock } = await lockOverAnEnding();
    try {
      // More than the connections of the trusted worker can serve while they wait for the lock.
      const crowd = await Promise.all(Array.from({ length: 200 }, () => stack.startUnregistered('thinks')));
      await Promise.all([thinking.signal('kill'), ending.signal('kill')]);
      await Promise.all([expectStopped(thinking), expectStopped(ending)]);
      await Promise.all(crowd.map((handle) => handle.terminate()));
    } finally {
      await unlock();
    }
  });

  it('finds room while a hundred mints hang', { timeout: 60_000 }, async () => {
    connector.asked.length = 0;
    const starting: TaskHandle[] = [];
    for (let some = 0; some < 22; some += 1) {
      starting.push(
        ...(await Promise.all(Array.from({ length: 5 }, () => stack.start('for-ever', { agentId: 'slow-starter' })))),
      );
    }
    await until(() => stack.logged.filter((line) => line.includes('too many mints at once')).length > 50);
    await starting[0]?.signal('kill');
    const [killed, ...others] = starting;
    if (killed !== undefined) await expectStopped(killed);
    expect(connector.asked.length).toBeLessThan(100);
    await Promise.all(others.map((handle) => handle.terminate()));
  });

  /**
   * The tasks’ ledger locked while a task ends. A task whose model was cut off for want of time would ask for it again, and wait for the
   * lock with that: then another one is tried.
   */
  async function lockOverAnEnding(tries = 4): Promise<{ ending: TaskHandle; unlock: () => Promise<void> }> {
    const asked = () => stack.model.requests().filter((body) => JSON.stringify(body).includes('refuses-slowly')).length;
    const before = asked();
    const ending = await stack.start('refuses-slowly');
    await until(() => asked() > before);
    const holder = await stack.ledger.superuser.connect();
    const unlock = async () => {
      await holder.query('ROLLBACK');
      holder.release();
    };
    try {
      await holder.query('BEGIN; LOCK TABLE estop.tasks IN ACCESS EXCLUSIVE MODE');
      await expect.poll(() => scheduled(ending, 'endTask'), { timeout: 5000, interval: 20 }).toBe(1);
      return { ending, unlock };
    } catch (error) {
      await unlock();
      if (tries <= 1) throw error;
    }
    await ending.terminate();
    return await lockOverAnEnding(tries - 1);
  }

  const eventsOf = async (handle: TaskHandle) => (await handle.fetchHistory()).events ?? [];
});
