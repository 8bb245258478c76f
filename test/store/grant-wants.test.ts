import { beforeAll, expect, it } from 'vitest';
import { agentKey } from '../../src/core/scope-key.ts';
import { endWant, isWanted, noteWantTold, obtainGrant, untoldWants } from '../../src/store/grant-wants.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { closeTasks, setTaskHeld, type TaskRecord } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { addAgent, type Ledger, makeLedger, newId, newName, startTask, stop } from './ledger.ts';
import { untilBlocked } from './waiting.ts';

/**
 * Each was taken out once: the looks at stops, at the task and at a hold in obtain_grant, the pause after a refusal, the second look
 * at the grant, and that at the grant in isWanted.
 */
onEveryPostgres('a grant that is wanted', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });
  const want = (taskId: string, epoch: number, name = 'db') =>
    obtainGrant(ledger.as('estop_gateway'), taskId, name, epoch);
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

  const mint = async (task: TaskRecord): Promise<string> => {
    const [trusted, grantId] = [ledger.as('estop_trusted'), newId('grant')];
    const { taskId, epoch } = task;
    const what = {
      name: 'db',
      taskId,
      connector: 'crm',
      target: grantId,
      shared: false,
      handle: {},
      epoch,
      lifeMs: 60_000,
    };
    expect((await mintIntend(trusted, { grantId, ...what })).kind).toBe('intended');
    expect((await mintRecheck(trusted, grantId)).kind).toBe('issue');
    expect((await mintIssued(trusted, grantId, Buffer.from('sealed'))).kind).toBe('issued');
    return grantId;
  };

  it('is handed over by the same question once it is there, and is not wanted then', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    const one = { taskId: task.taskId, name: 'db' };
    expect(await want(task.taskId, task.epoch)).toEqual({ kind: 'wanted' });
    const grantId = await mint(task);
    // Its row may still be there: whoever is told of it a second time issues nothing.
    expect(await isWanted(ledger.as('estop_trusted'), one)).toBe(false);
    expect(await want(task.taskId, task.epoch)).toMatchObject({ kind: 'handed-over', grantId });
    const { stopId } = await stop(ledger, agentKey(task.agentId));
    expect(await want(task.taskId, task.epoch)).toEqual({ kind: 'stopped', stopId });
  });

  it('is one where two ask at once: it is issued, and its want ended, between the two looks of the second', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    expect(await want(task.taskId, task.epoch)).toEqual({ kind: 'wanted' });
    const ending = await ledger.session();
    await ending.query('BEGIN');
    await ending.query('SELECT estop.end_want($1, $2, NULL)', [task.taskId, 'db']);
    const name = newName('second');
    const second = obtainGrant(ledger.alone('estop_gateway', name), task.taskId, 'db', task.epoch);
    // It has looked, found nothing, and waits for the row.
    await untilBlocked(ledger, name);
    const grantId = await mint(task);
    await ending.query('COMMIT');
    expect(await second).toMatchObject({ kind: 'handed-over', grantId });
    expect(await ledger.sql('SELECT 1 FROM estop.grant_wants WHERE task_id = $1', [task.taskId])).toEqual([]);
  });

  it('of a task that has closed is forgotten', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    await want(task.taskId, task.epoch);
    await closeTasks(ledger.as('estop_control'), [task.taskId], 'done');
    expect(await told(task.taskId)).toBe(0);
    expect(await ledger.sql('SELECT 1 FROM estop.grant_wants WHERE task_id = $1', [task.taskId])).toEqual([]);
  });
});
