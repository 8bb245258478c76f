import { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Task, TaskHistory, TaskPage, TaskToken } from '../../src/contract/http/tasks.ts';
import { createTaskWorkflows } from '../../src/control/temporal-task-workflows.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, fence, newId, stop } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

requires('temporal')('tasks over HTTP', () => {
  let rig: ControlRig;
  const down = lazyConnection({ address: '127.0.0.1:1' });
  beforeAll(async () => {
    rig = await makeControl();
  });
  afterAll(() => down.close());

  const start = (changes: object = {}, options: object = {}) =>
    rig.call('POST', '/v1/tasks', {
      as: 'service',
      body: { agentId: 'billing-bot', prompt: 'pay invoice 4711', ...changes },
      ...options,
    });
  const idOf = (answer: { readonly body: unknown }): string => String(field(answer.body, 'taskId'));
  const withoutTemporal = (): ControlRig =>
    rig.withDeps({ workflows: createTaskWorkflows(async () => new Client({ connection: down }), rig.deps.log) });

  it('a started task is in the ledger and in Temporal, under one id', async () => {
    const answer = await start({ purpose: 'invoices of May' });
    expect(answer.status).toBe(201);
    const task = Task.parse(answer.body);
    expect(answer.headers.get('location')).toBe(`/v1/tasks/${task.taskId}`);
    expect(task).toMatchObject({
      agentId: 'billing-bot',
      state: 'registered',
      requestedBy: 'service',
      purpose: 'invoices of May',
      parentTaskId: null,
      stoppedBy: null,
    });
    expect(task.workflow.url).toBe(
      `http://ui.example.org/namespaces/estop-agents/workflows/${encodeURIComponent(`task/${task.taskId}`)}`,
    );
    const workflow = await rig.temporal.workflow.getHandle(`task/${task.taskId}`).describe();
    expect(workflow.type).toBe('agentTask');
    expect(workflow.taskQueue).toBe('agent');
    expect(workflow.searchAttributes['EstopAgent']).toEqual(['billing-bot']);
    expect(workflow.searchAttributes['EstopRootTask']).toEqual([task.taskId]);
  });

  it('what was asked for is remembered for the gate, and stands nowhere in the clear', async () => {
    const taskId = idOf(await start({ prompt: 'write to anna@northwind.org' }));
    const rows = await rig.ledger.sql('SELECT deltas::text AS text FROM estop.task_flow_entries WHERE root_id = $1', [
      taskId,
    ]);
    expect(rows).toHaveLength(1);
    expect(String(rows[0]?.['text'])).toContain('request');
    expect(String(rows[0]?.['text'])).not.toMatch(/anna|northwind/);
  });

  it('the prompt cannot be read in the history', async () => {
    const task = idOf(await start({ prompt: 'canary-4711' }));
    const history = await rig.temporal.workflow.getHandle(`task/${task}`).fetchHistory();
    const bytes = history.events
      ?.map((event) =>
        Buffer.from(event.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data ?? []).toString('latin1'),
      )
      .join('');
    expect(bytes).not.toContain('canary-4711');
    const rows = await rig.ledger.sql('SELECT t::text AS row FROM estop.tasks t WHERE task_id = $1', [task]);
    expect(JSON.stringify(rows)).not.toContain('canary-4711');
  });

  it('an agent that nobody registered cannot start anything', async () => {
    const answer = await start({ agentId: 'nobody' });
    expect(answer.status).toBe(404);
    expect(field(answer.body, 'code')).toBe('unknown-agent');
  });

  it('the same Idempotency-Key is the same task, and for another request it is refused', async () => {
    const first = await start({}, { key: 'one-invoice' });
    const again = await start({}, { key: 'one-invoice' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(idOf(again)).toBe(idOf(first));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const other = await start({ prompt: 'pay another' }, { key: 'one-invoice' });
    expect(other.status).toBe(422);
    expect(field(other.body, 'code')).toBe('idempotency-mismatch');
    const someoneElse = await rig.call('POST', '/v1/tasks', {
      as: 'admin',
      body: { agentId: 'billing-bot', prompt: 'pay invoice 4711' },
      key: 'one-invoice',
    });
    expect(idOf(someoneElse)).not.toBe(idOf(first));
  });

  it('a request that is still running is not run a second time', async () => {
    await rig.ledger.sql(
      "INSERT INTO estop.idempotency_keys (actor, key, request_hash) SELECT actor, 'half-done', request_hash FROM estop.idempotency_keys WHERE key = 'one-invoice' AND actor = 'service'",
    );
    const answer = await start({}, { key: 'half-done' });
    expect(answer.status).toBe(409);
    expect(field(answer.body, 'code')).toBe('idempotency-in-flight');
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('a request whose process died half way is taken over and makes one task, not two', async () => {
    const first = await start({}, { key: 'taken-over' });
    await rig.ledger.sql(
      "UPDATE estop.idempotency_keys SET status = NULL, response = NULL, begun_at = now() - interval '1 hour' WHERE key = 'taken-over'",
    );
    const again = await start({}, { key: 'taken-over' });
    expect(again.status).toBe(201);
    expect(idOf(again)).toBe(idOf(first));
  });

  it('with Temporal away the row is closed again, and the same key works once it is back', async () => {
    const answer = await withoutTemporal().call('POST', '/v1/tasks', {
      as: 'service',
      body: { agentId: 'billing-bot', prompt: 'later' },
      key: 'weather',
    });
    expect(answer.status).toBe(503);
    expect(field(answer.body, 'code')).toBe('temporal-unavailable');
    const rows = await rig.ledger.sql(
      "SELECT outcome FROM estop.tasks WHERE state = 'closed' AND outcome = 'never-started'",
    );
    expect(rows).toHaveLength(1);
    const later = await start({ prompt: 'later' }, { key: 'weather' });
    expect(later.status).toBe(201);
    expect(field(later.body, 'state')).toBe('registered');
  });

  it('under a stop nothing starts, and the answer names the stop', async () => {
    await rig.setAgents([agentSpec('billing-bot'), agentSpec('mail-bot'), agentSpec('stopped-bot')]);
    const latched = await stop(rig.ledger, 'agent:stopped-bot');
    const answer = await start({ agentId: 'stopped-bot' });
    expect(answer.status).toBe(409);
    expect(field(answer.body, 'code')).toBe('stopped');
    expect(field(answer.body, 'detail')).toContain(latched.stopId);
    const rows = await rig.ledger.sql("SELECT count(*)::int AS n FROM estop.tasks WHERE agent_id = 'stopped-bot'");
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('a configured limit of open tasks holds', async () => {
    await rig.setAgents([
      agentSpec('billing-bot'),
      agentSpec('mail-bot'),
      agentSpec('narrow-bot', { limits: { ...agentSpec('x').limits, maxOpenTasks: 1 } }),
    ]);
    expect((await start({ agentId: 'narrow-bot' })).status).toBe(201);
    const second = await start({ agentId: 'narrow-bot' });
    expect(second.status).toBe(409);
    expect(field(second.body, 'code')).toBe('limit-exceeded');
  });

  it('a task token carries the task as the ledger has it, and is refused once a stop covers the task', async () => {
    const task = Task.parse((await start({ agentId: 'mail-bot' })).body);
    const answer = await rig.call('POST', `/v1/tasks/${task.taskId}/tokens`, { as: 'agent-worker' });
    expect(answer.status).toBe(201);
    const verdict = await rig.verifier.verify(TaskToken.parse(answer.body).token);
    expect(verdict).toMatchObject({
      ok: true,
      claims: { taskId: task.taskId, agentId: 'mail-bot', agents: ['mail-bot'], epoch: task.epoch },
    });
    expect(verdict.ok && verdict.claims.keys).toEqual(
      expect.arrayContaining(['fleet', 'agent:mail-bot', `task:${task.taskId}`]),
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');

    const latched = await stop(rig.ledger, `task:${task.taskId}`);
    const refused = await rig.call('POST', `/v1/tasks/${task.taskId}/tokens`, { as: 'agent-worker' });
    expect(refused.status).toBe(409);
    expect(field(refused.body, 'code')).toBe('stopped');
    expect(field((await rig.call('GET', `/v1/tasks/${task.taskId}`, { as: 'viewer' })).body, 'stoppedBy')).toBe(
      latched.stopId,
    );
  });

  it('a closed task gets no token, and a token is never kept with its Idempotency-Key', async () => {
    const task = idOf(await start());
    const first = await rig.call('POST', `/v1/tasks/${task}/tokens`, { as: 'agent-worker', key: 'token-please' });
    expect(first.status).toBe(201);
    const kept = await rig.ledger.sql(
      "SELECT count(*)::int AS n FROM estop.idempotency_keys WHERE key = 'token-please'",
    );
    expect(kept).toEqual([{ n: 0 }]);
    await rig.ledger.sql(
      "UPDATE estop.tasks SET state = 'closed', outcome = 'done', closed_at = now() WHERE task_id = $1",
      [task],
    );
    const closed = await rig.call('POST', `/v1/tasks/${task}/tokens`, { as: 'agent-worker' });
    expect([closed.status, field(closed.body, 'code')]).toEqual([409, 'conflict']);
  });

  it('hold and release stand in the ledger, whether or not the workflow can be told', async () => {
    const task = idOf(await start());
    const held = await rig.call('POST', `/v1/tasks/${task}:hold`, { as: 'operator' });
    expect(held.status).toBe(200);
    expect(field(held.body, 'task', 'held')).toBe(true);
    expect(field(held.body, 'woken')).toBe(true);
    const released = await withoutTemporal().call('POST', `/v1/tasks/${task}:release`, { as: 'operator' });
    expect(released.status).toBe(200);
    expect(field(released.body, 'task', 'held')).toBe(false);
    expect(field(released.body, 'woken')).toBe(false);
    const history = TaskHistory.parse((await rig.call('GET', `/v1/tasks/${task}/history`, { as: 'viewer' })).body);
    expect(history.entries.map((entry) => [entry.what, entry.by])).toEqual([
      ['registered for billing-bot', 'service'],
      ['held', 'operator'],
      ['released', 'operator'],
    ]);
  });

  it('the history says which stop covered the task, and asks the workflow only where it is wanted', async () => {
    const task = idOf(await start());
    const latched = await stop(rig.ledger, `task:${task}`);
    await fence(rig.ledger, latched.stopId);
    const plain = TaskHistory.parse((await rig.call('GET', `/v1/tasks/${task}/history`, { as: 'viewer' })).body);
    expect(plain.entries.at(-1)).toMatchObject({
      kind: 'stop.latched',
      what: `stopped by ${latched.stopId}: a test`,
      by: 'olga',
    });
    // No worker runs here, so a query cannot be answered; the ledger's part stands without it.
    const live = TaskHistory.parse(
      (await rig.call('GET', `/v1/tasks/${task}/history?live=true`, { as: 'viewer' })).body,
    );
    expect(live.live).toBeNull();
    expect(live.entries).toEqual(plain.entries);
  });

  it('a closed task still names the stop that ended it, and no other', async () => {
    await rig.setAgents([agentSpec('billing-bot'), agentSpec('mail-bot'), agentSpec('ended-bot')]);
    const before = idOf(await start({ agentId: 'ended-bot' }));
    await rig.ledger.sql(
      "UPDATE estop.tasks SET state = 'closed', outcome = 'done', closed_at = clock_timestamp() WHERE task_id = $1",
      [before],
    );
    const during = idOf(await start({ agentId: 'ended-bot' }));
    const latched = await stop(rig.ledger, 'agent:ended-bot');
    await rig.ledger.sql(
      "UPDATE estop.tasks SET state = 'closed', outcome = 'stopped', closed_at = clock_timestamp() WHERE task_id = $1",
      [during],
    );
    await stop(rig.ledger, 'agent:ended-bot');
    const shown = TaskPage.parse(
      (await rig.call('GET', '/v1/tasks?agent=ended-bot&state=closed', { as: 'viewer' })).body,
    );
    expect(shown.items.map((item) => [item.taskId, item.stoppedBy])).toEqual([
      [during, latched.stopId],
      [before, null],
    ]);
  });

  it('a list is paged by a cursor that stays true while tasks are added', async () => {
    await rig.setAgents([agentSpec('billing-bot'), agentSpec('mail-bot'), agentSpec('paged-bot')]);
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(idOf(await start({ agentId: 'paged-bot' })));
    const first = TaskPage.parse((await rig.call('GET', '/v1/tasks?agent=paged-bot&limit=2', { as: 'viewer' })).body);
    await start({ agentId: 'paged-bot' });
    const second = TaskPage.parse(
      (await rig.call('GET', `/v1/tasks?agent=paged-bot&limit=2&cursor=${first.next}`, { as: 'viewer' })).body,
    );
    const third = TaskPage.parse(
      (await rig.call('GET', `/v1/tasks?agent=paged-bot&limit=2&cursor=${second.next}`, { as: 'viewer' })).body,
    );
    expect([...first.items, ...second.items, ...third.items].map((item) => item.taskId)).toEqual(ids.toReversed());
    expect(third.next).toBeNull();
  });

  it('a task that does not exist is not found, by whatever verb', async () => {
    const ghost = newId('task');
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/history'],
      ['POST', ':hold'],
      ['POST', ':release'],
      ['POST', '/tokens'],
    ] as const) {
      const answer = await rig.call(method, `/v1/tasks/${ghost}${path}`, { as: 'admin' });
      expect([path, answer.status, field(answer.body, 'code')]).toEqual([path, 404, 'unknown-task']);
    }
  });
});
