import { beforeAll, expect, it } from 'vitest';
import { agentTaskWorkflowId, stopFanoutWorkflowId } from '../../src/contract/names.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { requires } from '../kit/requires.ts';
import { newId, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, startTaskWorkflow, until } from './rig.ts';

requires('temporal')('what turns up late under a stop', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work({ connectors: { target: { settleMs: 3_000 } } });
  });

  /** As by a registration that had looked at the stops before the latch, and committed after everything was halted. */
  const registerLate = async (agentId: string): Promise<string> => {
    const taskId = newId('task');
    await rig.ledger.sql(
      `INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, requested_by, kind, state)
       VALUES ($1, $2, $1, '{}', ARRAY[$2], ARRAY['fleet', 'agent:' || $2, 'task:' || $1], 0, 0, 'late', 'rita', 'task', 'running')`,
      [taskId, agentId],
    );
    await startTaskWorkflow(rig.agents, { taskId, agentId, rootId: taskId });
    return taskId;
  };
  const isHalted = (taskId: string) =>
    until(
      async () =>
        (await rig.ledger.sql("SELECT 1 FROM estop.tasks WHERE task_id = $1 AND state = 'closed'", [taskId])).length >
        0,
    );
  const progress = (stopId: string) => stopProgress(rig.ledger.as('estop_control'), stopId);

  it('is halted although a last probe cannot be made', async () => {
    const agent = await rig.agent();
    const grant = await rig.grant(await rig.task(agent));
    const { stopId } = await stopAgent(rig.ledger, agent);
    const lane = () => getObligation(rig.ledger.as('estop_control'), `${stopId}/${grant}`);
    await until(async () => (await lane())?.state === 'proved');
    rig.target.behave(grant, { cut: 'down' });
    await until(async () => (await lane())?.lastError?.includes('connector-unavailable'));
    const late = await registerLate(agent.agentId);
    await isHalted(late);
    expect((await progress(stopId))?.provedAt).toBeUndefined();
    rig.target.behave(grant, { cut: 'healthy' });
    await until(async () => (await progress(stopId))?.stage === 'proved');
  }, 60_000);

  it('is halted and cut although the stop was proved before', async () => {
    const agent = await rig.agent();
    const { stopId } = await stopAgent(rig.ledger, agent);
    await until(async () => (await progress(stopId))?.stage === 'proved');
    await rig.control.workflow.getHandle(stopFanoutWorkflowId(stopId)).result();
    const late = await registerLate(agent.agentId);
    await isHalted(late);
    expect((await rig.agents.workflow.getHandle(agentTaskWorkflowId(late)).describe()).status.name).toBe('TERMINATED');
    await until(async () => (await progress(stopId))?.stage === 'proved');
  }, 60_000);
});
