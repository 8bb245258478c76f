import { beforeAll, expect, it } from 'vitest';
import { agentKey, labelKey, modelKey, taskKey } from '../../src/core/scope-key.ts';
import { resetStop } from '../../src/store/stops.ts';
import { registerChild, registerRoot } from '../../src/store/task-registration.ts';
import { beginTask, checkTask, coveredOpenTasks, getLineage, getTask, listTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import {
  addAgent,
  fence,
  type Ledger,
  makeLedger,
  newId,
  newName,
  startChild,
  startTask,
  stop,
  stopAgent,
} from './ledger.ts';
import { untilBlocked } from './waiting.ts';

onEveryPostgres('registering a task', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  it('a task carries the keys of its agent, its labels, its model and every ancestor', async () => {
    const child = await addAgent(ledger, { labels: { tier: 'gold' } });
    const parentAgent = await addAgent(ledger, { labels: { team: 'billing' }, mayStart: [child.agentId] });
    const parent = await startTask(ledger, parentAgent);
    const made = await startChild(ledger, parent, parentAgent, child);
    expect(made.keys).toEqual(
      [
        'fleet',
        agentKey(parentAgent.agentId),
        agentKey(child.agentId),
        taskKey(parent.taskId),
        taskKey(made.taskId),
        labelKey('team', 'billing'),
        labelKey('tier', 'gold'),
        modelKey('scripted'),
      ].sort(),
    );
    expect(made).toMatchObject({
      ancestors: [parent.taskId],
      agents: [child.agentId, parentAgent.agentId].sort(),
      depth: 1,
      rootId: parent.taskId,
      requestedBy: 'rita',
    });
    const lineage = await getLineage(ledger.as('estop_control'), parent.taskId);
    expect(lineage?.children.map((one) => one.taskId)).toEqual([made.taskId]);
    expect((await getLineage(ledger.as('estop_control'), made.taskId))?.ancestors.map((one) => one.taskId)).toEqual([
      parent.taskId,
    ]);
  });

  guarded(
    () => ledger,
    'a caller that forgets the keys of an ancestor gets them all the same',
    async (l) => {
      const agent = await addAgent(l, { labels: { team: newName('t') } });
      const parent = await startTask(l, agent);
      const taskId = newId('task');
      await l
        .as('estop_trusted')
        .query(`SELECT * FROM estop.register_task($1, $2, $3, '{}', 'p', 'r', 9, 9, 9)`, [
          taskId,
          agent.agentId,
          parent.taskId,
        ]);
      const task = await getTask(l.as('estop_control'), taskId);
      expect(task?.keys).toEqual(expect.arrayContaining([...parent.keys, taskKey(taskId)]));
    },
    // rule: keys-of-every-ancestor
    { what: "the parent's keys", in: 'estop.register_task', find: 'all_keys := all_keys || parent.keys;', put: '' },
    { what: "the task's own key", in: 'estop.register_task', find: `'task:' || p_task_id]`, put: `'fleet']` },
  );

  guarded(
    () => ledger,
    "nothing is registered under a stop: not the agent, not its children, not another agent's task below it",
    async (l) => {
      const helper = await addAgent(l);
      const agent = await addAgent(l, { mayStart: [helper.agentId] });
      const parent = await startTask(l, agent);
      const stopped = await stopAgent(l, agent);
      const control = l.as('estop_control');
      expect(await registerRoot(control, { taskId: newId('task'), agent, purpose: '', requestedBy: 'r' })).toEqual({
        kind: 'stopped',
        stopId: stopped.stopId,
      });
      const child = {
        taskId: newId('task'),
        parentTaskId: parent.taskId,
        parentAgent: agent,
        agent: helper,
        purpose: '',
      };
      expect(await registerChild(l.as('estop_trusted'), child)).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      expect(await checkTask(control, child.taskId)).toBeUndefined();
      expect(
        (await registerRoot(control, { taskId: newId('task'), agent: helper, purpose: '', requestedBy: 'r' })).kind,
      ).toBe('registered');
    },
    { what: 'the stop check', in: 'estop.register_task', find: 'IF killer IS NOT NULL THEN', put: 'IF false THEN' },
  );

  guarded(
    () => ledger,
    'a task registered while a stop was being latched is found dead before it starts',
    async (l) => {
      const agent = await addAgent(l);
      // The registration has looked at the stops, and commits only after the latch.
      const early = await l.session('estop_control');
      const taskId = newId('task');
      await early.query('BEGIN');
      await early.query(`SELECT * FROM estop.register_task($1, $2, NULL, '{}', 'p', 'r', 9, 9, 9)`, [
        taskId,
        agent.agentId,
      ]);
      const stopped = await stopAgent(l, agent);
      await early.query('COMMIT');
      expect(await checkTask(l.as('estop_control'), taskId)).toMatchObject({ stopId: stopped.stopId });
      expect(await beginTask(l.as('estop_trusted'), taskId)).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      expect(await coveredOpenTasks(l.as('estop_revoker'), stopped.stopId, 10)).toEqual([{ taskId, state: 'running' }]);
    },
    {
      what: 'the second look, as the first act',
      in: 'estop.begin_task',
      find: 'SELECT estop.dead_by(t.keys, t.agents, t.epoch) INTO killer',
      put: 'SELECT NULL::text INTO killer',
    },
    {
      what: 'the second look, before the start',
      in: 'estop.check_task',
      find: 'estop.dead_by(t.keys, t.agents, t.epoch)',
      put: 'NULL::text',
    },
  );

  guarded(
    () => ledger,
    "a registration that waited for its agent's row sees the stop that was latched meanwhile",
    async (l) => {
      const agent = await addAgent(l);
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.agents WHERE agent_id = $1 FOR UPDATE', [agent.agentId]);
      const name = newName('register');
      const registering = registerRoot(l.alone('estop_control', name), {
        taskId: newId('task'),
        agent,
        purpose: '',
        requestedBy: 'r',
      });
      await untilBlocked(l, name);
      const stopped = await stopAgent(l, agent);
      await holder.query('COMMIT');
      expect(await registering).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      expect((await listTasks(l.as('estop_control'), { agentId: agent.agentId })).items).toHaveLength(0);
    },
    {
      what: 'reading the stops after the lock',
      in: 'estop.register_task',
      find: /(PERFORM 1 FROM estop\.agents a[\s\S]*?)SELECT least\(e\.epoch[\s\S]*?\) e;/,
      put: `killer := estop.dead_by(ARRAY['agent:' || p_agent_id], ARRAY[p_agent_id], 0); $1 now_epoch := estop.current_epoch();`,
    },
  );

  guarded(
    () => ledger,
    'a child is as old as its oldest ancestor: a reset revives neither',
    async (l) => {
      const agent = await addAgent(l);
      const parent = await startTask(l, agent);
      const stopped = await stop(l, taskKey(parent.taskId));
      await fence(l, stopped.stopId);
      await resetStop(l.as('estop_control'), { stopId: stopped.stopId, actor: 'olga', reason: 'over' });
      const outcome = await registerChild(l.as('estop_trusted'), {
        taskId: newId('task'),
        parentTaskId: parent.taskId,
        parentAgent: agent,
        agent,
        purpose: '',
      });
      expect(outcome).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      const fresh = await startTask(l, agent);
      expect(fresh.epoch).toBeGreaterThan(stopped.epoch);
      expect((await checkTask(l.as('estop_control'), fresh.taskId))?.stopId).toBeUndefined();
    },
    {
      what: "the parent's epoch",
      in: 'estop.register_task',
      find: 'SELECT least(e.epoch, parent.epoch), estop.dead_by(all_keys, all_agents, least(e.epoch, parent.epoch))',
      put: 'SELECT e.epoch, estop.dead_by(all_keys, all_agents, e.epoch)',
    },
  );
});
