import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { createConnectorActivities } from '../../src/activities/connector-phase.ts';
import type { ConnectorActivities } from '../../src/contract/activities.ts';
import type { CuttingPhase } from '../../src/contract/phases.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';
import { stopped } from '../store/stopped-agent.ts';
import { environment, recordingLog, until } from './rig.ts';
import { startTarget, type Target } from './target.ts';
import { targetConnectors } from './target-connectors.ts';

const phase: CuttingPhase = 'revoke-credential';

describe('a lane that two control workers have in hand', () => {
  let ledger: Ledger;
  let target: Target;
  beforeAll(async () => {
    [ledger, target] = await Promise.all([makeLedger(createDatabase), startTarget()]);
  });

  /** Of a worker of its own, which asks the system for one thing at a time. */
  const aWorker = (): ConnectorActivities =>
    createConnectorActivities({
      store: ledger.as('estop_revoker'),
      environment,
      sealer: { seal: (plain) => plain, open: (_sealed, key) => new TextEncoder().encode(JSON.stringify({ key })) },
      log: recordingLog().log,
      get: targetConnectors(target.url, {
        connectors: { 'pg-main': { attemptMs: 60_000, concurrency: 1, phases: [phase] } },
      }).get,
    });
  const keyOf = (lane: string): string => lane.split('/')[1] ?? '';
  const cutsOf = (lane: string): number => target.count(`cut ${phase}`, keyOf(lane));
  const openLanes = async (count: number): Promise<readonly string[]> => {
    const { lanes, stopId } = await stopped(ledger, count);
    await ledger.sql(
      `UPDATE estop.grants SET handle = jsonb_build_object('key', grant_id) WHERE grant_id IN (SELECT grant_id FROM estop.obligations WHERE cause_id = $1)`,
      [stopId],
    );
    for (const lane of lanes) target.grant(keyOf(lane));
    return lanes;
  };

  it('is not cut by the one that waited, once the other has cut and proved it', async () => {
    const [slow = '', lane = ''] = await openLanes(2);
    let answer = (): void => undefined;
    target.behave(keyOf(slow), {
      cut: 'healthy',
      answerAfter: new Promise<void>((resolve) => (answer = resolve)),
    });
    const [first, second] = [aWorker(), aWorker()];
    const cut = (worker: ConnectorActivities, obligationId: string) =>
      inActivity(() => worker.runPhase({ obligationId, phase, round: 0 }));
    const before = cut(first, slow);
    await until(async () => cutsOf(slow) === 1);
    const waiting = cut(first, lane);
    await until(async () => ((await getObligation(ledger.as('estop_control'), lane))?.attempts ?? 0) === 1);
    expect(await cut(second, lane)).toEqual({ kind: 'done' });
    expect(await inActivity(() => second.probeLane({ obligationId: lane, round: 0 }))).toEqual({ kind: 'proved' });
    await sleep(1_100); // longer than an attempt is nobody else's
    answer();
    expect(await Promise.all([before, waiting])).toEqual([{ kind: 'done' }, { kind: 'done' }]);
    expect(cutsOf(lane)).toBe(1);
    expect(await getObligation(ledger.as('estop_control'), lane)).toMatchObject({ state: 'proved' });
  });

  it('is not said to need a person by the one whose late attempt failed', async () => {
    const [lane = ''] = await openLanes(1);
    let answer = (): void => undefined;
    const key = keyOf(lane);
    target.behave(key, { cut: 'refusing', answerAfter: new Promise<void>((resolve) => (answer = resolve)) });
    const [first, second] = [aWorker(), aWorker()];
    const late = inActivity(() => first.runPhase({ obligationId: lane, phase, round: 0 }));
    await until(async () => cutsOf(lane) === 1);
    target.behave(key, { cut: 'healthy' });
    await inActivity(() => second.runPhase({ obligationId: lane, phase, round: 0 }));
    expect(await inActivity(() => second.probeLane({ obligationId: lane, round: 0 }))).toEqual({ kind: 'proved' });
    answer();
    await expect(late).rejects.toMatchObject({ code: 'connector-unavailable' });
    const seen = await getObligation(ledger.as('estop_control'), lane);
    expect(seen).toMatchObject({ state: 'proved' });
    expect([seen?.needsHuman, seen?.nextTryAt]).toEqual([undefined, undefined]);
  });
});
