import { beforeAll, expect, it } from 'vitest';
import { labelKey } from '../../src/core/scope-key.ts';
import { getAgent, registerAgents } from '../../src/store/agents.ts';
import { resetStop } from '../../src/store/stops.ts';
import { registerRoot } from '../../src/store/task-registration.ts';
import { checkTask, closeTasks, coveredOpenTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import {
  addAgent,
  agentSpec,
  fence,
  type Ledger,
  makeLedger,
  newId,
  newName,
  putAgents,
  startTask,
  stop,
} from './ledger.ts';

onEveryPostgres('labels and agents', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'an agent cannot be relabelled out of a stop, and one that is given the label comes under it',
    async (l) => {
      const label = newName('v');
      const key = labelKey('team', label);
      const agent = await addAgent(l, { labels: { team: label } });
      const late = await addAgent(l);
      const [bare, lateTask] = [await startTask(l, agent), await startTask(l, late)];
      // A task of before the label: its own keys do not hold it.
      await l.sql(`UPDATE estop.tasks SET keys = array_remove(keys, $2) WHERE task_id = $1`, [bare.taskId, key]);
      const stopped = await stop(l, key);
      const dead = async (taskId: string): Promise<string | undefined> =>
        (await checkTask(l.as('estop_control'), taskId))?.stopId;
      expect(await dead(bare.taskId)).toBe(stopped.stopId);
      expect(await dead(lateTask.taskId)).toBeUndefined();

      await putAgents(l, [
        { ...agent, labels: {} },
        { ...late, labels: { team: label } },
      ]);
      expect((await getAgent(l.as('estop_control'), agent.agentId))?.labelKeys).toEqual([]);
      expect(await dead(bare.taskId)).toBe(stopped.stopId);
      expect(await dead(lateTask.taskId)).toBe(stopped.stopId);
      expect(
        (await coveredOpenTasks(l.as('estop_revoker'), stopped.stopId, 10)).map((one) => one.taskId).sort(),
      ).toEqual([bare.taskId, lateTask.taskId].sort());

      // A stop of the same label that comes after the removal is not about it any more.
      await fence(l, stopped.stopId);
      await resetStop(l.as('estop_control'), { stopId: stopped.stopId, actor: 'olga', reason: 'over' });
      const fresh = await startTask(l, { ...agent, labels: {} });
      const second = await stop(l, key);
      expect(await dead(fresh.taskId)).toBeUndefined();
      expect(second.epoch).toBeGreaterThan(fresh.epoch);
    },
    // rule: label-as-of-mint-or-now, no-relabel-out
    {
      what: 'labels as of now',
      in: 'estop.dead_by',
      find: /s\.scope_key = ANY \(p_keys\) OR EXISTS/,
      put: 's.scope_key = ANY (p_keys) OR false AND EXISTS',
    },
    { what: 'the epoch of the removal', in: 'estop.dead_by', find: 'OR l.removed_epoch >= s.epoch', put: '' },
  );

  guarded(
    () => ledger,
    'a label counts against every stop that was latched before its removal had committed',
    async (l) => {
      const label = newName('v');
      const key = labelKey('team', label);
      const agent = await addAgent(l, { labels: { team: label } });
      const task = await startTask(l, agent);
      await l.sql(`UPDATE estop.tasks SET keys = array_remove(keys, $2) WHERE task_id = $1`, [task.taskId, key]);
      // Half of a relabelling: it has read everything and not committed when the stop is latched.
      const relabelling = await l.session('estop_control');
      await relabelling.query('BEGIN');
      const others = await l.sql(`SELECT agent_id FROM estop.agents WHERE retired_at IS NULL AND agent_id <> $1`, [
        agent.agentId,
      ]);
      const rows = [agent.agentId, ...others.map((row) => String(row['agent_id']))].map((agentId) => ({
        agentId,
        owner: 'o',
        stopHolder: 's',
        labelKeys: [],
        spec: {},
      }));
      await relabelling.query('SELECT * FROM estop.apply_agents($1)', [JSON.stringify(rows)]);
      const stopped = await stop(l, key);
      await relabelling.query('COMMIT');
      await relabelling.query('SELECT estop.settle_labels()');
      expect((await checkTask(l.as('estop_control'), task.taskId))?.stopId).toBe(stopped.stopId);
    },
    {
      what: 'the second transaction',
      in: 'estop.apply_agents',
      find: 'SET tombstoned_at = clock_timestamp()\n    FROM',
      put: 'SET tombstoned_at = clock_timestamp(), removed_epoch = estop.current_epoch()\n    FROM',
    },
  );

  it('agents are configured all or nothing, and one with open tasks is not removed', async () => {
    const fresh = await makeLedger(createOn);
    const control = fresh.as('estop_control');
    const [busy, idle] = [agentSpec('busy'), agentSpec('idle')];
    expect(await registerAgents(control, [busy, idle])).toEqual({ kind: 'applied' });
    const task = await startTask(fresh, busy);
    expect(await registerAgents(control, [agentSpec('newcomer')])).toEqual({
      kind: 'refused',
      withOpenTasks: ['busy'],
    });
    expect(await getAgent(control, 'newcomer')).toBeUndefined();
    expect((await getAgent(control, 'idle'))?.retiredAt).toBeUndefined();
    await closeTasks(control, [task.taskId], 'done');
    expect(await registerAgents(control, [agentSpec('newcomer')])).toEqual({ kind: 'applied' });
    expect((await getAgent(control, 'busy'))?.retiredAt).toBeDefined();
    expect(await registerRoot(control, { taskId: newId('task'), agent: busy, purpose: '', requestedBy: 'r' })).toEqual({
      kind: 'refused',
      reason: 'unknown-agent',
    });
    await expect(registerAgents(control, [agentSpec('odd', { labels: { team: 'a b' } })])).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });
});
