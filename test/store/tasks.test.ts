import { beforeAll, expect, it } from 'vitest';
import { taskKey } from '../../src/core/scope-key.ts';
import { askDrill, beginDrill, finishDrill } from '../../src/store/drills.ts';
import { latch } from '../../src/store/latch.ts';
import { markStage, markSweep, stopProgress } from '../../src/store/stop-progress.ts';
import { beginTask, checkTask, closeTasks, coveredOpenTasks, listTasks, setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import {
  addAgent,
  fence,
  type Ledger,
  makeLedger,
  newId,
  newName,
  order,
  startChild,
  startTask,
  stop,
  stopAgent,
} from './ledger.ts';

onEveryPostgres('tasks', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'halted is stamped only when every covered task is closed, and closing is for good',
    async (l) => {
      const agent = await addAgent(l);
      const [one, two] = [await startTask(l, agent), await startTask(l, agent)];
      const other = await startTask(l, await addAgent(l));
      const stopped = await stopAgent(l, agent);
      const revoker = l.as('estop_revoker');
      await fence(l, stopped.stopId);
      expect(await closeTasks(revoker, [one.taskId], 'terminated')).toBe(1);
      expect(await markStage(revoker, stopped.stopId, 'halted')).toBe(false);
      expect((await stopProgress(revoker, stopped.stopId))?.tasks).toEqual({ covered: 2, halted: 1 });
      expect(await closeTasks(revoker, [one.taskId, two.taskId], 'terminated')).toBe(1);
      expect(await markStage(revoker, stopped.stopId, 'halted')).toBe(true);
      expect((await stopProgress(revoker, stopped.stopId))?.stage).toBe('halted');
      expect(await beginTask(l.as('estop_trusted'), one.taskId)).toEqual({ kind: 'closed' });
      expect((await checkTask(revoker, other.taskId))?.state).toBe('registered');
    },
    // rule: halted-by-describe
    {
      what: 'looking at the tasks',
      in: 'estop.mark_stage',
      find: `IF p_stage IN ('halted', 'proved') AND EXISTS`,
      put: 'IF false AND EXISTS',
    },
    { what: 'closing for good', in: 'estop.begin_task', find: `AND t.state = 'registered'`, put: '' },
  );

  it('a stop of a task covers its whole tree and nothing beside it', async () => {
    const agent = await addAgent(ledger);
    const root = await startTask(ledger, agent);
    const child = await startChild(ledger, root, agent, agent);
    const grandchild = await startChild(ledger, child, agent, agent);
    const sibling = await startChild(ledger, root, agent, agent);
    const stopped = await stop(ledger, taskKey(child.taskId));
    const covered = await coveredOpenTasks(ledger.as('estop_revoker'), stopped.stopId, 10);
    expect(covered.map((one) => one.taskId)).toEqual([child.taskId, grandchild.taskId]);
    expect((await checkTask(ledger.as('estop_control'), sibling.taskId))?.stopId).toBeUndefined();
  });

  guarded(
    () => ledger,
    'a hold covers the tree below, is written down, and never undoes a stop',
    async (l) => {
      const agent = await addAgent(l);
      const root = await startTask(l, agent);
      const child = await startChild(l, root, agent, agent);
      const control = l.as('estop_control');
      expect(await setTaskHeld(control, root.taskId, true, 'olga')).toBe(true);
      expect(await checkTask(control, child.taskId)).toMatchObject({ held: true });
      const stopped = await stopAgent(l, agent);
      expect(await setTaskHeld(control, root.taskId, false, 'olga')).toBe(true);
      expect(await checkTask(control, child.taskId)).toMatchObject({ held: false, stopId: stopped.stopId });
      const audited = await l.sql(`SELECT kind FROM estop.audit WHERE subject = $1 ORDER BY seq`, [root.taskId]);
      expect(audited.map((row) => row['kind'])).toEqual(['task.held', 'task.released']);
      expect(await setTaskHeld(control, newId('task'), true, 'olga')).toBe(false);
    },
    {
      what: 'the ancestors',
      in: 'estop.is_held',
      find: 'ANY (p_ancestors || p_task_id)',
      put: 'ANY (ARRAY[p_task_id])',
    },
  );

  it('lists go on where they stopped, without a gap or a double, while others are added', async () => {
    const agent = await addAgent(ledger);
    const made = [];
    for (let index = 0; index < 7; index += 1) made.push((await startTask(ledger, agent)).taskId);
    const control = ledger.as('estop_control');
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listTasks(control, {
        agentId: agent.agentId,
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.items.map((task) => task.taskId));
      cursor = page.next;
      await startTask(ledger, agent);
    } while (cursor !== undefined);
    expect(seen).toEqual(made.reverse());
    await expect(listTasks(control, { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(listTasks(control, { cursor: Buffer.from('["x","y"]').toString('base64url') })).rejects.toMatchObject({
      code: 'invalid-input',
    });
  });

  it('leaves out drills that are over where that is asked for, never one that is under way, page by page', async () => {
    const connectorId = newName('crm');
    const control = ledger.as('estop_control');
    const revoker = ledger.as('estop_revoker');
    const drill = async (end: boolean): Promise<string> => {
      const taskId = newId('task');
      expect(await askDrill(control, { taskId, connectorId, actor: 'olga' })).toBe('asked');
      expect(await beginDrill(revoker, taskId)).toMatchObject({ kind: 'begun' });
      if (end) {
        await closeTasks(revoker, [taskId], 'drill');
        await finishDrill(revoker, taskId, { state: 'failed', why: 'a test' });
      }
      return taskId;
    };
    const agent = await addAgent(ledger);
    const made: string[] = [];
    const past: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      made.push((await startTask(ledger, agent)).taskId);
      past.push(await drill(true));
    }
    const underWay = await drill(false);
    await closeTasks(ledger.as('estop_trusted'), made.slice(0, 1), 'done');
    const newest = async (withoutPastDrills: boolean): Promise<readonly string[]> => {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listTasks(control, {
          withoutPastDrills,
          limit: 2,
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.items.map(({ taskId }) => taskId));
        cursor = page.next;
      } while (cursor !== undefined);
      return seen.filter((taskId) => [...made, ...past, underWay].includes(taskId));
    };
    expect(await newest(true)).toEqual([underWay, ...made.toReversed()]);
    expect((await newest(false)).toSorted()).toEqual([...made, ...past, underWay].toSorted());
    const listed = await listTasks(control, { agentId: `drill/${connectorId}`, limit: 10 });
    expect(listed.items.map(({ taskId, kind }) => [taskId, kind])).toEqual(
      [...past, underWay].toReversed().map((taskId) => [taskId, 'drill']),
    );
    // No work of an agent can be called a drill, and so left out.
    await expect(ledger.sql("UPDATE estop.tasks SET kind = 'drill' WHERE task_id = $1", [made[0]])).rejects.toThrow(
      /check constraint/,
    );
  });

  it('a sweep is counted by the stop it belongs to', async () => {
    const stopped = await latch(ledger.as('estop_stop'), order('agent:swept'));
    await fence(ledger, stopped.stopId);
    expect(await markSweep(ledger.as('estop_revoker'), stopped.stopId, 0)).toBe(true);
    // An attempt whose answer was lost is made again: that is no second sweep.
    expect(await markSweep(ledger.as('estop_revoker'), stopped.stopId, 0)).toBe(false);
    expect((await stopProgress(ledger.as('estop_revoker'), stopped.stopId))?.sweepsDone).toBe(1);
  });
});
