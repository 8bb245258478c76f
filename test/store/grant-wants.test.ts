import { beforeAll, expect, it } from 'vitest';
import { agentKey } from '../../src/core/scope-key.ts';
import { endWant, isWanted, noteWantTold, untoldWants, wantGrant } from '../../src/store/grant-wants.ts';
import { closeTasks, setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { addAgent, type Ledger, makeLedger, newId, startTask, stop } from './ledger.ts';

/** Each was taken out once: the looks at stops, at the task and at a hold in want_grant, and the pause after a refusal. */
onEveryPostgres('a grant that is wanted', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });
  const want = (taskId: string, epoch: number, name = 'db') =>
    wantGrant(ledger.as('estop_gateway'), taskId, name, epoch);
  const told = async (taskId: string): Promise<number> =>
    (await untoldWants(ledger.as('estop_revoker'), 1_000)).filter((one) => one.taskId === taskId).length;

  it('is told once, issued or refused, and wanted again a while after a refusal', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    const one = { taskId: task.taskId, name: 'db' };
    expect(await isWanted(ledger.as('estop_trusted'), one)).toBe(false);
    expect(await want(task.taskId, task.epoch)).toEqual({ kind: 'wanted' });
    expect(await want(task.taskId, task.epoch)).toEqual({ kind: 'wanted' });
    expect([await told(task.taskId), await isWanted(ledger.as('estop_trusted'), one)]).toEqual([1, true]);
    await noteWantTold(ledger.as('estop_revoker'), one);
    expect(await told(task.taskId)).toBe(0);
    await endWant(ledger.as('estop_trusted'), one, 'not-configured');
    expect(await want(task.taskId, task.epoch)).toEqual({ kind: 'refused', reason: 'not-configured' });
    expect(await isWanted(ledger.as('estop_trusted'), one)).toBe(false);
    await ledger.sql("UPDATE estop.grant_wants SET refused_at = refused_at - interval '6 s' WHERE task_id = $1", [
      task.taskId,
    ]);
    expect(await want(task.taskId, task.epoch)).toEqual({ kind: 'wanted' });
    expect(await told(task.taskId)).toBe(1);
    await endWant(ledger.as('estop_trusted'), one);
    expect(await isWanted(ledger.as('estop_trusted'), one)).toBe(false);
  });

  it('is not wanted by a task that is stopped, held, closed or unknown, nor by a token from before a reset', async () => {
    const agent = await addAgent(ledger);
    const [held, closed, stopped] = [
      await startTask(ledger, agent),
      await startTask(ledger, agent),
      await startTask(ledger, agent),
    ];
    await setTaskHeld(ledger.as('estop_control'), held.taskId, true, 'olga');
    await closeTasks(ledger.as('estop_control'), [closed.taskId], 'done');
    expect(await want(held.taskId, held.epoch)).toEqual({ kind: 'held' });
    expect(await want(closed.taskId, closed.epoch)).toEqual({ kind: 'task-closed' });
    expect(await want(newId('task'), 0)).toEqual({ kind: 'unknown-task' });
    const { stopId } = await stop(ledger, agentKey(agent.agentId));
    expect(await want(stopped.taskId, stopped.epoch)).toEqual({ kind: 'stopped', stopId });
    for (const task of [held, closed, stopped]) expect(await told(task.taskId)).toBe(0);
  });

  it('of a task that has closed is forgotten', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    await want(task.taskId, task.epoch);
    await closeTasks(ledger.as('estop_control'), [task.taskId], 'done');
    expect(await told(task.taskId)).toBe(0);
    expect(await ledger.sql('SELECT 1 FROM estop.grant_wants WHERE task_id = $1', [task.taskId])).toEqual([]);
  });
});
