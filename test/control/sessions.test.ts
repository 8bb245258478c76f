import { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AgentTaskInput } from '../../src/contract/agent-task.ts';
import { CloseResult, Task } from '../../src/contract/http/tasks.ts';
import { createTaskWorkflows } from '../../src/control/temporal-task-workflows.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, stop } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

requires('temporal')('sessions over HTTP', () => {
  let rig: ControlRig;
  const down = lazyConnection({ address: '127.0.0.1:1' });
  beforeAll(async () => {
    rig = await makeControl([
      { ...agentSpec('coder'), session: { idleMs: 600_000, lifeMs: 3_600_000 } },
      agentSpec('mail-bot'),
    ]);
  });
  afterAll(() => down.close());

  const open = (body: object = {}, as = 'service') =>
    rig.call('POST', '/v1/sessions', { as, body: { agentId: 'coder', ...body } });
  const close = (taskId: string, as = 'service') => rig.call('POST', `/v1/tasks/${taskId}:close`, { as });
  async function inputOf(taskId: string): Promise<AgentTaskInput> {
    const { events } = await rig.temporal.workflow.getHandle(`task/${taskId}`).fetchHistory();
    const sealed = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const [payload] = await (rig.temporal.options.loadedDataConverter.payloadCodecs[0]?.decode(sealed) ?? []);
    return defaultPayloadConverter.fromPayload(payload ?? {});
  }

  it('an open session is a task of its own kind, with a workflow that ends by itself', async () => {
    const answer = await open({ purpose: 'refactoring' });
    expect(answer.status).toBe(201);
    const task = Task.parse(answer.body);
    expect(task).toMatchObject({ kind: 'session', agentId: 'coder', requestedBy: 'service', purpose: 'refactoring' });
    const described = await rig.temporal.workflow.getHandle(`task/${task.taskId}`).describe();
    expect(described.type).toBe('agentSession');
    const { session } = await inputOf(task.taskId);
    expect(session).toEqual({
      openedAt: task.registeredAt,
      idleMs: 600_000,
      endsAt: new Date(Date.parse(task.registeredAt) + 3_600_000).toISOString(),
    });
    expect((await rig.call('POST', `/v1/tasks/${task.taskId}/tokens`, { as: 'service' })).status).toBe(201);
  });

  it('whoever opens one can ask for a shorter one, not for a longer one', async () => {
    const shorter = Task.parse((await open({ idleMs: 5_000, lifeMs: 60_000 })).body);
    const longer = Task.parse((await open({ idleMs: 900_000, lifeMs: 86_400_000 })).body);
    const endOf = (task: Task, lifeMs: number) => new Date(Date.parse(task.registeredAt) + lifeMs).toISOString();
    expect((await inputOf(shorter.taskId)).session).toMatchObject({ idleMs: 5_000, endsAt: endOf(shorter, 60_000) });
    expect((await inputOf(longer.taskId)).session).toMatchObject({ idleMs: 600_000, endsAt: endOf(longer, 3_600_000) });
  });

  it('closing tells its workflow who closed it; a task that is no session is not closed', async () => {
    const { taskId } = Task.parse((await open()).body);
    expect(CloseResult.parse((await close(taskId, 'olga@operator')).body).woken).toBe(true);
    const { events } = await rig.temporal.workflow.getHandle(`task/${taskId}`).fetchHistory();
    expect(events?.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName)).toContain('close');
    const plain = await rig.call('POST', '/v1/tasks', { as: 'service', body: { agentId: 'mail-bot', prompt: 'x' } });
    const refused = await close(String(field(plain.body, 'taskId')));
    expect([refused.status, field(refused.body, 'code')]).toEqual([409, 'conflict']);
    await closeTasks(rig.ledger.as('estop_control'), [taskId], 'closed');
    expect(CloseResult.parse((await close(taskId)).body)).toMatchObject({ woken: true, task: { state: 'closed' } });
  });

  it('a session that cannot be told is said to be open still', async () => {
    const { taskId } = Task.parse((await open()).body);
    const away = rig.withDeps({
      workflows: createTaskWorkflows(async () => new Client({ connection: down }), rig.deps.log),
    });
    const answer = await away.call('POST', `/v1/tasks/${taskId}:close`, { as: 'service' });
    expect(CloseResult.parse(answer.body)).toMatchObject({ woken: false, task: { state: 'registered' } });
  });

  it('under a stop none is opened', async () => {
    const { stopId } = await stop(rig.ledger, 'agent:mail-bot');
    const answer = await open({ agentId: 'mail-bot' });
    expect([answer.status, field(answer.body, 'detail')]).toEqual([409, `Covered by ${stopId}.`]);
  });
});
