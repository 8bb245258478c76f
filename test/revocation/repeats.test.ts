import { beforeAll, expect, it } from 'vitest';
import { getObligation } from '../../src/store/obligations.ts';
import { requires } from '../kit/requires.ts';
import { stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

requires('temporal')('a cut that was made is not made again', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work({ connectors: { target: { phases: ['revoke-credential'], attemptMs: 15_000 } } });
  });

  /** A stop over one grant, whose cut the target has carried out and not answered yet. */
  const cutting = async (): Promise<{ readonly lane: string; readonly key: string; readonly answer: () => void }> => {
    const agent = await rig.agent();
    const key = await rig.grant(await rig.task(agent));
    let answer = (): void => undefined;
    rig.target.behave(key, { cut: 'healthy', answerAfter: new Promise((resolve) => (answer = resolve)) });
    const { stopId } = await stopAgent(rig.ledger, agent);
    await until(async () => rig.target.count('cut revoke-credential', key) === 1);
    return { lane: `${stopId}/${key}`, key, answer: () => answer() };
  };
  const isProved = (lane: string) =>
    until(async () => (await getObligation(rig.ledger.as('estop_control'), lane))?.state === 'proved');
  const attempts = async (lane: string): Promise<unknown> =>
    (
      await rig.ledger.sql(
        "SELECT attempts FROM estop.obligation_phases WHERE obligation_id = $1 AND phase <> 'probe'",
        [lane],
      )
    )[0];

  it('because the ledger could not take down its end', async () => {
    const { lane, key, answer } = await cutting();
    const holder = await rig.ledger.session();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE estop.obligation_phases IN ACCESS EXCLUSIVE MODE');
    answer();
    // The connection that waits to write is broken, more than once.
    for (let broken = 0; broken < 3; broken += 1)
      await until(async () => {
        const ended = await rig.ledger.sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%_phase(%' AND wait_event_type = 'Lock'`,
        );
        return ended.length > 0;
      });
    await holder.query('ROLLBACK');
    await isProved(lane);
    expect(rig.target.count('cut revoke-credential', key)).toBe(1);
    expect(await attempts(lane)).toEqual({ attempts: 1 });
  }, 60_000);

  it('because its workflows were ended and started again while it was being made', async () => {
    const { lane, key, answer } = await cutting();
    const before = await runsOf(lane);
    for (const { workflowId, runId } of before)
      await rig.control.workflow.getHandle(workflowId, runId).terminate('by hand');
    // Another run has taken the lane on: its attempt beats, for the second time by when the first was told that nobody wants it.
    const beats = new Set<string>();
    await until(async () => {
      for (const { workflowId, runId } of await runsOf(lane)) {
        if (before.some((one) => one.runId === runId)) continue;
        const { raw } = await rig.control.workflow.getHandle(workflowId, runId).describe();
        for (const { activityType, lastHeartbeatTime } of raw.pendingActivities ?? [])
          if (activityType?.name === 'runPhase' && lastHeartbeatTime != null)
            beats.add(JSON.stringify(lastHeartbeatTime));
      }
      return beats.size >= 2;
    });
    answer();
    await isProved(lane);
    expect(rig.target.count('cut revoke-credential', key)).toBe(1);
    expect(await attempts(lane)).toEqual({ attempts: 1 });
  }, 60_000);

  const runsOf = async (lane: string): Promise<readonly { readonly workflowId: string; readonly runId: string }[]> => {
    const [stopId = ''] = lane.split('/');
    const runs = [];
    const query = "ExecutionStatus = 'Running' AND WorkflowType IN ('revocation', 'revocationLanes')";
    for await (const { workflowId, runId } of rig.control.workflow.list({ query }))
      if (workflowId.includes(stopId)) runs.push({ workflowId, runId });
    return runs;
  };
});
