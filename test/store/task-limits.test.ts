import { beforeAll, expect, it } from 'vitest';
import { registerChild, registerRoot } from '../../src/store/task-registration.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, agentSpec, type Ledger, makeLedger, newId, newName, startTask } from './ledger.ts';

onEveryPostgres('limits of tasks', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'limits are true counts, however many ask at once',
    async (l) => {
      const limits = { ...agentSpec('x').limits, maxOpenTasks: 4, maxFanOut: 3, maxDepth: 1 };
      const agent = await addAgent(l, { limits });
      const control = l.as('estop_control');
      const roots = await Promise.all(
        Array.from({ length: 12 }, () =>
          registerRoot(control, { taskId: newId('task'), agent, purpose: '', requestedBy: 'r' }),
        ),
      );
      expect(roots.filter((one) => one.kind === 'registered')).toHaveLength(4);
      // Different agents, so that only the parent's row can order them.
      const helpers = [];
      for (let index = 0; index < 8; index += 1) helpers.push(await addAgent(l));
      const wide = await addAgent(l, { limits, mayStart: helpers.map((helper) => helper.agentId) });
      const parent = await startTask(l, wide);
      const children = await Promise.all(
        helpers.map((helper) =>
          registerChild(l.as('estop_trusted'), {
            taskId: newId('task'),
            parentTaskId: parent.taskId,
            parentAgent: wide,
            agent: helper,
            purpose: '',
          }),
        ),
      );
      expect(children.filter((one) => one.kind === 'registered')).toHaveLength(3);
    },
    {
      what: "the agent's row lock",
      in: 'estop.register_task',
      find: /FOR NO KEY UPDATE;([\s\S]*?)(INSERT INTO estop\.tasks)/,
      put: ';$1 PERFORM pg_sleep(0.2); $2',
    },
    {
      what: "the parent's row lock",
      in: 'estop.register_task',
      find: /p_parent_id FOR UPDATE;([\s\S]*?)(INSERT INTO estop\.tasks)/,
      put: 'p_parent_id;$1 PERFORM pg_sleep(0.2); $2',
    },
  );

  it('only configured agents are started by others, only to the configured depth, and a retry finds its own task', async () => {
    const helper = await addAgent(ledger, { limits: { ...agentSpec('x').limits, maxDepth: 1 }, mayStart: [] });
    const agent = await addAgent(ledger, {
      limits: { ...agentSpec('x').limits, maxDepth: 1 },
      mayStart: [helper.agentId],
    });
    const stranger = await addAgent(ledger);
    const parent = await startTask(ledger, agent);
    const trusted = ledger.as('estop_trusted');
    const ask = { taskId: newId('task'), parentTaskId: parent.taskId, parentAgent: agent, agent: helper, purpose: '' };
    expect(await registerChild(trusted, ask)).toMatchObject({ kind: 'registered', fresh: true });
    expect(await registerChild(trusted, ask)).toMatchObject({ kind: 'registered', fresh: false });
    expect(await registerChild(trusted, { ...ask, taskId: newId('task'), agent: stranger })).toEqual({
      kind: 'refused',
      reason: 'not-allowed',
    });
    expect(await registerChild(trusted, { ...ask, taskId: newId('task'), parentTaskId: newId('task') })).toEqual({
      kind: 'refused',
      reason: 'unknown-parent',
    });
    expect(
      await registerRoot(ledger.as('estop_control'), {
        taskId: ask.taskId,
        agent: stranger,
        purpose: '',
        requestedBy: 'r',
      }),
    ).toEqual({ kind: 'refused', reason: 'id-taken' });
    const deep = {
      taskId: newId('task'),
      parentTaskId: ask.taskId,
      parentAgent: { ...helper, mayStart: [helper.agentId] },
      agent: helper,
      purpose: '',
    };
    expect(await registerChild(trusted, deep)).toEqual({ kind: 'refused', reason: 'too-deep' });
    expect(
      await registerRoot(ledger.as('estop_control'), {
        taskId: newId('task'),
        agent: agentSpec(newName('nobody')),
        purpose: '',
        requestedBy: 'r',
      }),
    ).toEqual({ kind: 'refused', reason: 'unknown-agent' });
    await closeTasks(trusted, [parent.taskId], 'done');
    expect(await registerChild(trusted, { ...ask, taskId: newId('task') })).toEqual({
      kind: 'refused',
      reason: 'parent-closed',
    });
    expect(
      await registerRoot(ledger.as('estop_control'), { taskId: parent.taskId, agent, purpose: '', requestedBy: 'r' }),
    ).toEqual({ kind: 'refused', reason: 'closed' });
  });
});
