import { beforeAll, describe, expect, it } from 'vitest';
import { agentKey, fleetKey, labelKey, taskKey, toolKey } from '../../src/core/scope-key.ts';
import { sendStopHint } from '../../src/store/stop-hints.ts';
import { resetStop } from '../../src/store/stops.ts';
import { registerChild } from '../../src/store/task-registration.ts';
import { newId, putAgents, stop } from '../store/ledger.ts';
import {
  billingBot,
  callTool,
  makeRig,
  post,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilFenced,
  untilReady,
} from './rig.ts';

/**
 * Each guard was taken out once; what failed then:
 * - destroying the socket (LiveCall.destroy), or cutting on a new view (Fence.advance): "ends upstream at once";
 * - the second fence together with the cut of calls in ADMIT: "is never sent if the stop becomes known before ADMIT has answered"
 *   (each of the two alone is tried in fence-checks.test.ts and view.test.ts);
 * - settling before confirming (Renewer): "keeps the stop from being fenced until its end is written down";
 * - the first fence, and renewing for a young token: every "after its reset only a younger task may call";
 * - taking an answered call out of the registry (gate.ts, settle): "the very next call is denied";
 * - telling the call that its client is gone: "is ended upstream when its own client goes away".
 */
let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

/** By two people, as the fleet needs it. */
const reset = async (stopId: string): Promise<void> => {
  const by = (actor: string) => resetStop(rig.ledger.as('estop_control'), { stopId, actor, reason: 'over' });
  await by('olga');
  expect((await by('sam')).kind).toMatch(/reset$/);
};
const outcomesOf = async (taskId: string): Promise<readonly unknown[]> =>
  (await rig.ledger.sql('SELECT outcome FROM estop.calls WHERE task_id = $1 ORDER BY admitted_at', [taskId])).map(
    (row) => row['outcome'],
  );

describe('after a stop', () => {
  it('the very next call is denied, though no gateway can have heard of it yet', async () => {
    const task = await rig.startTask();
    const token = await rig.token(task);
    expect((await callTool(gateway, token, 'billing__list_invoices', {})).isError).toBe(false);
    const { stopId, epoch } = await stop(rig.ledger, taskKey(task.taskId));
    const reply = await callTool(gateway, token, 'billing__list_invoices', {});
    expect(reply).toMatchObject({
      status: 200,
      isError: true,
      meta: { 'estop/decision': 'stopped', 'estop/stopId': stopId },
    });
    expect(rig.calls(task).length).toBe(1);
    // A call that was answered is open no longer: there was nothing to cut.
    await untilFenced(rig, stopId);
    // The store knows of it before the gateway has its answer, and says so.
    await until(() =>
      rig.logLines.some(({ fields }) => fields['event'] === 'fence.confirmed' && fields['epoch'] === epoch),
    );
    expect(rig.logLines.map(({ fields }) => fields)).toContainEqual({ event: 'fence.confirmed', epoch, cut: 0 });
  });

  it('an agent that is stopped gets no list of tools either', async () => {
    const task = await rig.startTask();
    const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
    await untilFenced(rig, stopId);
    const reply = await post(gateway, await rig.token(task), { jsonrpc: '2.0', id: 7, method: 'tools/list' });
    expect(reply.body).toMatchObject({
      id: 7,
      error: { code: -32_001, data: { 'estop/decision': 'stopped', 'estop/stopId': stopId } },
    });
  });

  it.each([
    ['the task', (taskId: string) => taskKey(taskId)],
    ['its tool', () => toolKey('billing', 'send_reminder')],
    ['its label', () => labelKey('team', 'billing')],
    ['its agent', () => agentKey('billing-bot')],
    ['the fleet', () => fleetKey],
  ])('a stop of %s covers the call, and after its reset only a younger task may call', async (_scope, keyOf) => {
    const old = await rig.startTask();
    const { stopId } = await stop(rig.ledger, keyOf(old.taskId));
    const token = await rig.token(old);
    expect(
      (await callTool(gateway, token, 'billing__send_reminder', { invoice_id: 'INV-1' })).meta['estop/stopId'],
    ).toBe(stopId);
    await untilFenced(rig, stopId);
    await reset(stopId);
    const young = await rig.startTask();
    // The young token is newer than the view: the gateway renews before it judges.
    const reply = await callTool(gateway, await rig.token(young), 'billing__send_reminder', { invoice_id: 'INV-2' });
    expect(reply).toMatchObject({ isError: false, text: 'A reminder for INV-2 was sent.' });
    expect((await callTool(gateway, token, 'billing__send_reminder', { invoice_id: 'INV-1' })).meta).toMatchObject({
      'estop/decision': 'stopped',
      'estop/stopId': stopId,
    });
    expect(rig.calls(old)).toEqual([]);
  });

  it('a child of another agent is covered by the stop of its parent', async () => {
    await putAgents(rig.ledger, [{ ...billingBot, mayStart: ['reader-bot'] }, readerBot]);
    const parent = await rig.startTask();
    const child = await registerChild(rig.ledger.as('estop_trusted'), {
      taskId: newId('task'),
      parentTaskId: parent.taskId,
      parentAgent: { ...billingBot, mayStart: ['reader-bot'] },
      agent: readerBot,
      purpose: 'help',
    });
    if (child.kind !== 'registered') throw new Error(child.kind);
    const token = await rig.token(child.task);
    expect((await callTool(gateway, token, 'billing__list_invoices', {})).isError).toBe(false);
    const { stopId } = await stop(rig.ledger, taskKey(parent.taskId));
    expect((await callTool(gateway, token, 'billing__list_invoices', {})).meta['estop/stopId']).toBe(stopId);
  });
});

describe('a call in flight', () => {
  it('ends upstream at once, is answered as stopped, confirmed, and reported as possibly completed', async () => {
    const task = await rig.startTask();
    const call = callTool(gateway, await rig.token(task), 'billing__slow_report', { seconds: 60 });
    await until(() => rig.calls(task).length === 1);
    const { stopId, epoch } = await stop(rig.ledger, agentKey('billing-bot'));
    await untilFenced(rig, stopId);
    expect(await call).toMatchObject({
      isError: true,
      meta: { 'estop/decision': 'stopped', 'estop/stopId': stopId, 'estop/reason': 'possibly-completed' },
    });
    // The upstream's own log: it saw its client gone, and the report was never made.
    const [seen] = await until(() => rig.calls(task).some((one) => one.abortedAt !== undefined) && rig.calls(task));
    expect(seen).toMatchObject({ tool: 'slow_report', effectAt: undefined });
    const [progress] = await rig.ledger.sql('SELECT possibly_completed FROM estop.stop_progress WHERE stop_id = $1', [
      stopId,
    ]);
    expect(progress).toEqual({ possibly_completed: 1 });
    const gateways = await rig.ledger.sql(
      'SELECT outcome, g.confirmed_epoch FROM estop.stop_gateways JOIN estop.gateways g USING (gateway_id) WHERE stop_id = $1',
      [stopId],
    );
    expect(gateways).toEqual([{ outcome: 'confirmed', confirmed_epoch: epoch }]);
    expect(await outcomesOf(task.taskId)).toEqual(['possibly-completed']);
    await reset(stopId);
  });

  it('keeps the stop from being fenced until its end is written down', async () => {
    const task = await rig.startTask();
    const call = callTool(gateway, await rig.token(task), 'billing__slow_report', { seconds: 60 });
    const [row] = await until(async () => {
      const rows = await rig.ledger.sql('SELECT call_id FROM estop.calls WHERE task_id = $1', [task.taskId]);
      return rows.length > 0 && rig.calls(task).length === 1 && rows;
    });
    // Somebody holds the row, so that it cannot be settled.
    const holder = await rig.ledger.session();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM estop.calls WHERE call_id = $1 FOR UPDATE', [row?.['call_id']]);
    const { stopId, epoch } = await stop(rig.ledger, taskKey(task.taskId));
    expect((await call).meta['estop/stopId']).toBe(stopId);
    // The view has been acted on; two more renewals show that the gateway lives and still does not confirm.
    const leaseUntil = async (): Promise<unknown> =>
      (await rig.ledger.sql('SELECT max(lease_until)::text AS until FROM estop.gateways'))[0]?.['until'];
    for (let renewal = 0; renewal < 2; renewal += 1) {
      const before = await leaseUntil();
      await until(async () => (await leaseUntil()) !== before);
    }
    const [confirmed] = await rig.ledger.sql('SELECT max(confirmed_epoch) < $1 AS behind FROM estop.gateways', [epoch]);
    expect(confirmed).toEqual({ behind: true });
    await holder.query('COMMIT');
    await untilFenced(rig, stopId);
    const [progress] = await rig.ledger.sql('SELECT possibly_completed FROM estop.stop_progress WHERE stop_id = $1', [
      stopId,
    ]);
    expect(progress).toEqual({ possibly_completed: 1 });
  });

  it('of an agent that is not stopped goes on, and does not delay the confirmation', async () => {
    const [bystander, stopped] = [await rig.startTask(), await rig.startTask()];
    const call = callTool(gateway, await rig.token(bystander), 'billing__slow_report', { seconds: 3 });
    await until(() => rig.calls(bystander).length === 1);
    const { stopId } = await stop(rig.ledger, taskKey(stopped.taskId));
    await untilFenced(rig, stopId);
    const gateways = await rig.ledger.sql('SELECT outcome FROM estop.stop_gateways WHERE stop_id = $1', [stopId]);
    expect(gateways).toEqual([{ outcome: 'confirmed' }]);
    expect(rig.calls(bystander)[0]?.effectAt).toBeUndefined();
    expect(await call).toMatchObject({ isError: false, text: 'The report took 3 s.' });
  });

  it('is ended upstream when its own client goes away, and settled as possibly completed', async () => {
    const task = await rig.startTask();
    const abort = new AbortController();
    const call = callTool(gateway, await rig.token(task), 'billing__slow_report', { seconds: 60 }, abort.signal).catch(
      () => 'gone',
    );
    await until(() => rig.calls(task).length === 1);
    abort.abort();
    expect(await call).toBe('gone');
    await until(() => rig.calls(task)[0]?.abortedAt !== undefined);
    await until(async () => (await outcomesOf(task.taskId))[0] === 'possibly-completed');
  });
});

describe('a call whose ADMIT is under way', () => {
  it('is never sent if the stop becomes known before ADMIT has answered', async () => {
    const task = await rig.startTask();
    await slowCommits(task.taskId);
    const call = callTool(gateway, await rig.token(task), 'billing__send_reminder', { invoice_id: 'INV-1' });
    // ADMIT has looked at the stops, and its commit takes its time.
    await until(
      async () =>
        (
          await rig.ledger.sql(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
          )
        ).length > 0,
    );
    const { stopId, epoch } = await stop(rig.ledger, taskKey(task.taskId));
    // The gateway hears of it at once, not only with its next renewal: the commit does not take for ever.
    await sendStopHint(rig.ledger.as('estop_stop'), epoch);
    await untilFenced(rig, stopId);
    expect(await call).toMatchObject({ isError: true, meta: { 'estop/decision': 'stopped', 'estop/stopId': stopId } });
    expect(rig.calls(task)).toEqual([]);
    await until(async () => (await outcomesOf(task.taskId))[0] === 'denied');
  });
});

/** Holds up every ADMIT of a task at its commit, after its last look at the stops. */
async function slowCommits(taskId: string): Promise<void> {
  await rig.ledger.sql(
    'CREATE OR REPLACE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.8); RETURN NULL; END $$',
  );
  await rig.ledger.sql(
    `CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON estop.calls DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
     WHEN (NEW.task_id = '${taskId}') EXECUTE FUNCTION public.dawdle()`,
  );
}

describe('a stop that lands while 64 clients call', () => {
  it('leaves no effect in the upstream’s log after it was fenced, but for calls reported as possibly completed', async () => {
    const tasks = await Promise.all(Array.from({ length: 8 }, () => rig.startTask()));
    const tokens = await Promise.all(tasks.map((task) => rig.token(task)));
    let go = true;
    const answers: string[] = [];
    const client = async (token: string): Promise<void> => {
      while (go) {
        const reply = await callTool(gateway, token, 'billing__send_reminder', { invoice_id: 'INV-1' });
        answers.push(
          reply.status === 200 && !reply.isError
            ? 'answered'
            : JSON.stringify(reply.meta['estop/decision'] ?? reply.status),
        );
      }
    };
    const clients = Array.from({ length: 64 }, (_, index) => client(tokens[index % tokens.length] ?? ''));
    const arrived = () => rig.upstream.calls().filter((call) => tasks.some((task) => task.taskId === call.taskId));
    // Not answers: on a machine that starves some are refusals, because what a task has read cannot be looked up in time.
    await until(() => arrived().length > 300);
    const { stopId } = await stop(rig.ledger, agentKey('billing-bot'));
    await untilFenced(rig, stopId);
    const fencedAnswers = answers.length;
    await until(() => answers.length > fencedAnswers + 200);
    go = false;
    await Promise.all(clients);

    const [fenced] = await rig.ledger.sql(
      'SELECT extract(epoch FROM fenced_at) * 1000 AS at FROM estop.stop_progress WHERE stop_id = $1',
      [stopId],
    );
    const reported = await rig.ledger.sql("SELECT call_id FROM estop.calls WHERE outcome = 'possibly-completed'");
    const possibly = new Set(reported.map((row) => row['call_id']));
    const ours = arrived();
    const late = ours.filter(
      (call) => Math.max(call.at, call.effectAt ?? 0) > Number(fenced?.['at']) && !possibly.has(call.callId),
    );
    expect(late).toEqual([]);
    expect(ours.length).toBeGreaterThan(300);
    // Every answer after the fence is a refusal, whatever it is called on a machine that starves, and nothing is left open in the ledger.
    const refusals = new Set(answers.slice(fencedAnswers + 64));
    expect([...refusals]).not.toContain('answered');
    expect([...refusals]).toContain('"stopped"');
    await until(async () => (await rig.ledger.sql('SELECT 1 FROM estop.calls WHERE settled_at IS NULL')).length === 0);
    await reset(stopId);
  });
});
