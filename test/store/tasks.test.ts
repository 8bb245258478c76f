import { beforeAll, expect, it } from 'vitest';
import { agentKey, labelKey, modelKey, taskKey } from '../../src/core/scope-key.ts';
import { getAgent, registerAgents } from '../../src/store/agents.ts';
import { latch } from '../../src/store/latch.ts';
import { markStage, markSweep, stopProgress } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { registerChild, registerRoot } from '../../src/store/task-registration.ts';
import { beginTask, checkTask, closeTasks, coveredOpenTasks, deadOpenTasks, getLineage, getTask, listTasks, setTaskHeld, type TaskRecord } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, agentSpec, fence, type Ledger, makeLedger, newId, newName, order, putAgents, startTask, stop, stopAgent } from './ledger.ts';
import { untilBlocked } from './waiting.ts';
import type { AgentSpec } from '../../src/contract/config.ts';

async function startChild(l: Ledger, parent: TaskRecord, parentAgent: AgentSpec, agent: AgentSpec): Promise<TaskRecord> {
  const outcome = await registerChild(l.as('estop_trusted'), { taskId: newId('task'), parentTaskId: parent.taskId, parentAgent, agent, purpose: 'a child' });
  if (outcome.kind !== 'registered') throw new Error(JSON.stringify(outcome));
  return outcome.task;
}

onEveryPostgres('tasks', (createOn) => {
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
        'fleet', agentKey(parentAgent.agentId), agentKey(child.agentId), taskKey(parent.taskId), taskKey(made.taskId),
        labelKey('team', 'billing'), labelKey('tier', 'gold'), modelKey('scripted'),
      ].sort(),
    );
    expect(made).toMatchObject({ ancestors: [parent.taskId], agents: [child.agentId, parentAgent.agentId].sort(), depth: 1, rootId: parent.taskId, requestedBy: 'rita' });
    const lineage = await getLineage(ledger.as('estop_control'), parent.taskId);
    expect(lineage?.children.map((one) => one.taskId)).toEqual([made.taskId]);
    expect((await getLineage(ledger.as('estop_control'), made.taskId))?.ancestors.map((one) => one.taskId)).toEqual([parent.taskId]);
  });

  guarded(
    () => ledger,
    'a caller that forgets the keys of an ancestor gets them all the same',
    async (l) => {
      const agent = await addAgent(l, { labels: { team: newName('t') } });
      const parent = await startTask(l, agent);
      const taskId = newId('task');
      await l.as('estop_trusted').query(`SELECT * FROM estop.register_task($1, $2, $3, '{}', 'p', 'r', 9, 9, 9)`, [taskId, agent.agentId, parent.taskId]);
      const task = await getTask(l.as('estop_control'), taskId);
      expect(task?.keys).toEqual(expect.arrayContaining([...parent.keys, taskKey(taskId)]));
    },
    // rule: keys-of-every-ancestor
    { what: 'the parent\'s keys', in: 'estop.register_task', find: 'all_keys := all_keys || parent.keys;', put: '' },
    { what: 'the task\'s own key', in: 'estop.register_task', find: `'task:' || p_task_id]`, put: `'fleet']` },
  );

  guarded(
    () => ledger,
    'nothing is registered under a stop: not the agent, not its children, not another agent\'s task below it',
    async (l) => {
      const helper = await addAgent(l);
      const agent = await addAgent(l, { mayStart: [helper.agentId] });
      const parent = await startTask(l, agent);
      const stopped = await stopAgent(l, agent);
      const control = l.as('estop_control');
      expect(await registerRoot(control, { taskId: newId('task'), agent, purpose: '', requestedBy: 'r' })).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      const child = { taskId: newId('task'), parentTaskId: parent.taskId, parentAgent: agent, agent: helper, purpose: '' };
      expect(await registerChild(l.as('estop_trusted'), child)).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      expect(await checkTask(control, child.taskId)).toBeUndefined();
      expect((await registerRoot(control, { taskId: newId('task'), agent: helper, purpose: '', requestedBy: 'r' })).kind).toBe('registered');
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
      await early.query(`SELECT * FROM estop.register_task($1, $2, NULL, '{}', 'p', 'r', 9, 9, 9)`, [taskId, agent.agentId]);
      const stopped = await stopAgent(l, agent);
      await early.query('COMMIT');
      expect(await checkTask(l.as('estop_control'), taskId)).toMatchObject({ stopId: stopped.stopId });
      expect(await beginTask(l.as('estop_trusted'), taskId)).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      expect(await coveredOpenTasks(l.as('estop_revoker'), stopped.stopId, 10)).toEqual([{ taskId, state: 'running' }]);
    },
    { what: 'the second look, as the first act', in: 'estop.begin_task', find: 'SELECT estop.dead_by(t.keys, t.agents, t.epoch) INTO killer', put: 'SELECT NULL::text INTO killer' },
    { what: 'the second look, before the start', in: 'estop.check_task', find: 'estop.dead_by(t.keys, t.agents, t.epoch)', put: 'NULL::text' },
  );

  guarded(
    () => ledger,
    'a registration that waited for its agent\'s row sees the stop that was latched meanwhile',
    async (l) => {
      const agent = await addAgent(l);
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.agents WHERE agent_id = $1 FOR UPDATE', [agent.agentId]);
      const name = newName('register');
      const registering = registerRoot(l.alone('estop_control', name), { taskId: newId('task'), agent, purpose: '', requestedBy: 'r' });
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
      const outcome = await registerChild(l.as('estop_trusted'), { taskId: newId('task'), parentTaskId: parent.taskId, parentAgent: agent, agent, purpose: '' });
      expect(outcome).toEqual({ kind: 'stopped', stopId: stopped.stopId });
      const fresh = await startTask(l, agent);
      expect(fresh.epoch).toBeGreaterThan(stopped.epoch);
      expect((await checkTask(l.as('estop_control'), fresh.taskId))?.stopId).toBeUndefined();
    },
    {
      what: 'the parent\'s epoch',
      in: 'estop.register_task',
      find: 'SELECT least(e.epoch, parent.epoch), estop.dead_by(all_keys, all_agents, least(e.epoch, parent.epoch))',
      put: 'SELECT e.epoch, estop.dead_by(all_keys, all_agents, e.epoch)',
    },
  );

  guarded(
    () => ledger,
    'limits are true counts, however many ask at once',
    async (l) => {
      const limits = { ...agentSpec('x').limits, maxOpenTasks: 4, maxFanOut: 3, maxDepth: 1 };
      const agent = await addAgent(l, { limits });
      const control = l.as('estop_control');
      const roots = await Promise.all(Array.from({ length: 12 }, () => registerRoot(control, { taskId: newId('task'), agent, purpose: '', requestedBy: 'r' })));
      expect(roots.filter((one) => one.kind === 'registered')).toHaveLength(4);
      // Different agents, so that only the parent's row can order them.
      const helpers = [];
      for (let index = 0; index < 8; index += 1) helpers.push(await addAgent(l));
      const wide = await addAgent(l, { limits, mayStart: helpers.map((helper) => helper.agentId) });
      const parent = await startTask(l, wide);
      const children = await Promise.all(
        helpers.map((helper) => registerChild(l.as('estop_trusted'), { taskId: newId('task'), parentTaskId: parent.taskId, parentAgent: wide, agent: helper, purpose: '' })),
      );
      expect(children.filter((one) => one.kind === 'registered')).toHaveLength(3);
    },
    { what: 'the agent\'s row lock', in: 'estop.register_task', find: /FOR NO KEY UPDATE;([\s\S]*?)(INSERT INTO estop\.tasks)/, put: ';$1 PERFORM pg_sleep(0.2); $2' },
    { what: 'the parent\'s row lock', in: 'estop.register_task', find: /p_parent_id FOR UPDATE;([\s\S]*?)(INSERT INTO estop\.tasks)/, put: 'p_parent_id;$1 PERFORM pg_sleep(0.2); $2' },
  );

  it('only configured agents are started by others, only to the configured depth, and a retry finds its own task', async () => {
    const helper = await addAgent(ledger, { limits: { ...agentSpec('x').limits, maxDepth: 1 }, mayStart: [] });
    const agent = await addAgent(ledger, { limits: { ...agentSpec('x').limits, maxDepth: 1 }, mayStart: [helper.agentId] });
    const stranger = await addAgent(ledger);
    const parent = await startTask(ledger, agent);
    const trusted = ledger.as('estop_trusted');
    const ask = { taskId: newId('task'), parentTaskId: parent.taskId, parentAgent: agent, agent: helper, purpose: '' };
    expect(await registerChild(trusted, ask)).toMatchObject({ kind: 'registered', fresh: true });
    expect(await registerChild(trusted, ask)).toMatchObject({ kind: 'registered', fresh: false });
    expect(await registerChild(trusted, { ...ask, taskId: newId('task'), agent: stranger })).toEqual({ kind: 'refused', reason: 'not-allowed' });
    expect(await registerChild(trusted, { ...ask, taskId: newId('task'), parentTaskId: newId('task') })).toEqual({ kind: 'refused', reason: 'unknown-parent' });
    expect(await registerRoot(ledger.as('estop_control'), { taskId: ask.taskId, agent: stranger, purpose: '', requestedBy: 'r' })).toEqual({ kind: 'refused', reason: 'id-taken' });
    const deep = { taskId: newId('task'), parentTaskId: ask.taskId, parentAgent: { ...helper, mayStart: [helper.agentId] }, agent: helper, purpose: '' };
    expect(await registerChild(trusted, deep)).toEqual({ kind: 'refused', reason: 'too-deep' });
    expect(await registerRoot(ledger.as('estop_control'), { taskId: newId('task'), agent: agentSpec(newName('nobody')), purpose: '', requestedBy: 'r' })).toEqual({ kind: 'refused', reason: 'unknown-agent' });
    await closeTasks(trusted, [parent.taskId], 'done');
    expect(await registerChild(trusted, { ...ask, taskId: newId('task') })).toEqual({ kind: 'refused', reason: 'parent-closed' });
    expect(await registerRoot(ledger.as('estop_control'), { taskId: parent.taskId, agent, purpose: '', requestedBy: 'r' })).toEqual({ kind: 'refused', reason: 'closed' });
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
    { what: 'looking at the tasks', in: 'estop.mark_stage', find: `IF p_stage IN ('halted', 'proved') AND EXISTS`, put: 'IF false AND EXISTS' },
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
    expect(await deadOpenTasks(ledger.as('estop_revoker'), 1_000)).toEqual(expect.arrayContaining([expect.objectContaining({ taskId: grandchild.taskId, stopId: stopped.stopId })]));
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
      const dead = async (taskId: string): Promise<string | undefined> => (await checkTask(l.as('estop_control'), taskId))?.stopId;
      expect(await dead(bare.taskId)).toBe(stopped.stopId);
      expect(await dead(lateTask.taskId)).toBeUndefined();

      await putAgents(l, [{ ...agent, labels: {} }, { ...late, labels: { team: label } }]);
      expect((await getAgent(l.as('estop_control'), agent.agentId))?.labelKeys).toEqual([]);
      expect(await dead(bare.taskId)).toBe(stopped.stopId);
      expect(await dead(lateTask.taskId)).toBe(stopped.stopId);
      expect((await coveredOpenTasks(l.as('estop_revoker'), stopped.stopId, 10)).map((one) => one.taskId).sort()).toEqual([bare.taskId, lateTask.taskId].sort());

      // A stop of the same label that comes after the removal is not about it any more.
      await fence(l, stopped.stopId);
      await resetStop(l.as('estop_control'), { stopId: stopped.stopId, actor: 'olga', reason: 'over' });
      const fresh = await startTask(l, { ...agent, labels: {} });
      const second = await stop(l, key);
      expect(await dead(fresh.taskId)).toBeUndefined();
      expect(second.epoch).toBeGreaterThan(fresh.epoch);
    },
    // rule: label-as-of-mint-or-now, no-relabel-out
    { what: 'labels as of now', in: 'estop.dead_by', find: /s\.scope_key = ANY \(p_keys\) OR EXISTS/, put: 's.scope_key = ANY (p_keys) OR false AND EXISTS' },
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
      const others = await l.sql(`SELECT agent_id FROM estop.agents WHERE retired_at IS NULL AND agent_id <> $1`, [agent.agentId]);
      const rows = [agent.agentId, ...others.map((row) => String(row['agent_id']))].map((agentId) => ({ agentId, owner: 'o', stopHolder: 's', labelKeys: [], spec: {} }));
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
    expect(await registerAgents(control, [agentSpec('newcomer')])).toEqual({ kind: 'refused', withOpenTasks: ['busy'] });
    expect(await getAgent(control, 'newcomer')).toBeUndefined();
    expect((await getAgent(control, 'idle'))?.retiredAt).toBeUndefined();
    await closeTasks(control, [task.taskId], 'done');
    expect(await registerAgents(control, [agentSpec('newcomer')])).toEqual({ kind: 'applied' });
    expect((await getAgent(control, 'busy'))?.retiredAt).toBeDefined();
    expect(await registerRoot(control, { taskId: newId('task'), agent: busy, purpose: '', requestedBy: 'r' })).toEqual({ kind: 'refused', reason: 'unknown-agent' });
    await expect(registerAgents(control, [agentSpec('odd', { labels: { team: 'a b' } })])).rejects.toMatchObject({ code: 'config-invalid' });
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
    { what: 'the ancestors', in: 'estop.is_held', find: 'ANY (p_ancestors || p_task_id)', put: 'ANY (ARRAY[p_task_id])' },
  );

  it('lists go on where they stopped, without a gap or a double, while others are added', async () => {
    const agent = await addAgent(ledger);
    const made = [];
    for (let index = 0; index < 7; index += 1) made.push((await startTask(ledger, agent)).taskId);
    const control = ledger.as('estop_control');
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listTasks(control, { agentId: agent.agentId, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map((task) => task.taskId));
      cursor = page.next;
      await startTask(ledger, agent);
    } while (cursor !== undefined);
    expect(seen).toEqual(made.reverse());
    await expect(listTasks(control, { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(listTasks(control, { cursor: Buffer.from('["x","y"]').toString('base64url') })).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('a sweep is counted by the stop it belongs to', async () => {
    const stopped = await latch(ledger.as('estop_stop'), order('agent:swept'));
    await fence(ledger, stopped.stopId);
    await markSweep(ledger.as('estop_revoker'), stopped.stopId);
    expect((await stopProgress(ledger.as('estop_revoker'), stopped.stopId))?.sweepsDone).toBe(1);
  });
});
