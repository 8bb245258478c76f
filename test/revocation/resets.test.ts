import { beforeAll, expect, it } from 'vitest';
import { namespaces, revocationWorkflowId, searchAttributes } from '../../src/contract/names.ts';
import { getObligation, type ObligationRecord } from '../../src/store/obligations.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { requires } from '../kit/requires.ts';
import { newId, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

const phases = ['revoke-credential'] as const;

requires('temporal')('what people do to the workflows of a stop in Temporal', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work({ connectors: { target: { phases } } });
  });

  /** A stop over so many grants, the first of which behaves so. */
  const stopWith = async (count: number, behaviour: Parameters<Rig['target']['behave']>[1]) => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const grants = await Promise.all(Array.from({ length: count }, () => rig.grant(task)));
    const [odd = ''] = grants;
    rig.target.behave(odd, behaviour);
    const { stopId, epoch } = await stopAgent(rig.ledger, agent);
    const laneOf = (grantId: string): Promise<ObligationRecord | undefined> =>
      getObligation(rig.ledger.as('estop_control'), `${stopId}/${grantId}`);
    return {
      agent,
      task,
      odd,
      stopId,
      workflowId: revocationWorkflowId(agent.agentId, epoch, stopId),
      laneOf,
      cuts: () => rig.target.count('cut revoke-credential', odd),
      othersProved: () =>
        until(async () => {
          const lanes = await Promise.all(grants.slice(1).map(laneOf));
          return lanes.every((lane) => lane?.state === 'proved');
        }),
      proved: () => until(async () => (await stopProgress(rig.ledger.as('estop_control'), stopId))?.stage === 'proved'),
    };
  };
  const openChildren = async (stopId: string): Promise<readonly string[]> => {
    const query = `WorkflowType = 'revocationLanes' AND ExecutionStatus = 'Running' AND ${searchAttributes.stop} = '${stopId}'`;
    const ids: string[] = [];
    for await (const { workflowId } of rig.control.workflow.list({ query })) ids.push(workflowId);
    return ids;
  };
  const anOpenChild = (stopId: string): Promise<string> => until(async () => (await openChildren(stopId))[0]);
  /** To the end of its first workflow task, or of its last. */
  const reset = async (workflowId: string, which: string): Promise<void> => {
    const { events } = await rig.control.workflow.getHandle(workflowId).fetchHistory();
    const points = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
    const point = which === 'its first' ? points[0] : points.at(-1);
    const { workflowExecutionInfo } = await rig.control.workflowService.describeWorkflowExecution({
      namespace: namespaces.control,
      execution: { workflowId },
    });
    await rig.control.workflowService.resetWorkflowExecution({
      namespace: namespaces.control,
      workflowExecution: { workflowId, runId: workflowExecutionInfo?.execution?.runId ?? '' },
      reason: 'by hand',
      workflowTaskFinishEventId: point?.eventId ?? null,
      requestId: newId('stop'),
    });
  };

  it('a lane whose run is ended waits out what its system asked for', async () => {
    const scene = await stopWith(12, { cut: 'busy', busyMs: 8_000 });
    const putOff = await until(async () => (await scene.laneOf(scene.odd))?.nextTryAt);
    await scene.othersProved();
    await rig.control.workflow.getHandle(await anOpenChild(scene.stopId)).terminate('by hand');
    await scene.proved();
    const [last] = await rig.ledger.sql(
      `SELECT p.attempts, p.begun_at >= $2 AS waited FROM estop.obligation_phases p WHERE p.obligation_id = $1 AND p.phase = 'revoke-credential'`,
      [`${scene.stopId}/${scene.odd}`, putOff],
    );
    expect(last).toEqual({ attempts: 2, waited: true });
    expect(scene.cuts()).toBe(2);
  }, 60_000);

  it.each(['its first', 'its last'])(
    'a revocation that is reset to %s task goes on',
    async (which) => {
      const scene = await stopWith(3, { cut: 'hung' });
      await scene.othersProved();
      const first = await anOpenChild(scene.stopId);
      await reset(scene.workflowId, which);
      await rig.control.workflow.getHandle(first).terminate('by hand');
      rig.target.behave(scene.odd, { cut: 'healthy' });
      // Nobody else takes on what its children left.
      const stateOf = async () => (await scene.laneOf(scene.odd))?.state;
      await expect.poll(stateOf, { timeout: 40_000, interval: 100 }).toBe('proved');
      await scene.proved();
    },
    60_000,
  );

  it('a run of lanes that is deleted leaves none of them behind', async () => {
    const scene = await stopWith(3, { cut: 'hung' });
    await scene.othersProved();
    const child = await anOpenChild(scene.stopId);
    await rig.control.workflowService.deleteWorkflowExecution({
      namespace: namespaces.control,
      workflowExecution: { workflowId: child },
    });
    rig.target.behave(scene.odd, { cut: 'healthy' });
    await scene.proved();
  }, 60_000);

  it.each(['its first', 'its last'])(
    'a run of lanes that is reset to %s task goes on',
    async (which) => {
      const scene = await stopWith(12, { cut: 'hung' });
      await scene.othersProved();
      const child = await anOpenChild(scene.stopId);
      await reset(child, which);
      rig.target.behave(scene.odd, { cut: 'healthy' });
      await scene.proved();
    },
    60_000,
  );
});
