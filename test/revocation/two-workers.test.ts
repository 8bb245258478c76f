import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createConnectorActivities } from '../../src/activities/connector-phase.ts';
import type { ConnectorActivities } from '../../src/contract/activities.ts';
import type { CuttingPhase } from '../../src/contract/phases.ts';
import { reopenObligation } from '../../src/store/lanes.ts';
import { acceptRisk, getObligation } from '../../src/store/obligations.ts';
import { openStore, type Store } from '../../src/store/pool.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { createDatabase } from '../kit/postgres.ts';
import { relayTo } from '../stop/store-relay.ts';
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

  afterEach(() => {
    vi.useRealTimers();
  });

  /** Of a worker of its own, which asks the system for one thing at a time. */
  const aWorker = (store: Store = ledger.as('estop_revoker')): ConnectorActivities =>
    createConnectorActivities({
      store,
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

  const cut = (worker: ConnectorActivities, obligationId: string) =>
    inActivity(() => worker.runPhase({ obligationId, phase, round: 0 }));
  const probe = (worker: ConnectorActivities, obligationId: string) =>
    inActivity(() => worker.probeLane({ obligationId, round: 0 }));
  const stateOf = async (lane: string) => (await getObligation(ledger.as('estop_control'), lane))?.state;

  /** A lane whose cut this worker has begun, and which waits for its turn behind another until that is answered. */
  const waitingLane = async (worker: ConnectorActivities) => {
    const [slow = '', lane = ''] = await openLanes(2);
    let answer = (): void => undefined;
    target.behave(keyOf(slow), { cut: 'healthy', answerAfter: new Promise<void>((resolve) => (answer = resolve)) });
    const before = cut(worker, slow);
    await until(async () => cutsOf(slow) === 1);
    const waiting = cut(worker, lane);
    await until(async () => ((await getObligation(ledger.as('estop_control'), lane))?.attempts ?? 0) === 1);
    const ended = Promise.all([before, waiting]);
    ended.catch(() => undefined); // a test that fails before does not wait for it
    return { lane, answer, ended };
  };
  const longerThanOwn = 1_100;
  const bothDone = [{ kind: 'done' }, { kind: 'done' }];

  it('is not cut by the one that waited, once the other has cut and proved it', async () => {
    const { lane, answer, ended } = await waitingLane(aWorker());
    const other = aWorker();
    expect(await cut(other, lane)).toEqual({ kind: 'done' });
    expect(await probe(other, lane)).toEqual({ kind: 'proved' });
    await sleep(longerThanOwn);
    answer();
    expect(await ended).toEqual(bothDone);
    expect(cutsOf(lane)).toBe(1);
    expect(await stateOf(lane)).toBe('proved');
  });

  it('is not cut by the one whose machine slept, once the other has cut and proved it', async () => {
    const { lane, answer, ended } = await waitingLane(aWorker());
    const other = aWorker();
    await cut(other, lane);
    await probe(other, lane);
    // What counts the time in which a machine runs stands still meanwhile.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    answer();
    expect(await ended).toEqual(bothDone);
    expect(cutsOf(lane)).toBe(1);
  });

  it('is not cut by the one that waited, once a person has accepted it, and nobody says that it was', async () => {
    const { lane, answer, ended } = await waitingLane(aWorker());
    expect(await acceptRisk(ledger.as('estop_control'), lane, 'rita', 'thrown away with its system')).toBe(true);
    await sleep(longerThanOwn);
    answer();
    expect(await ended).toEqual(bothDone);
    expect(cutsOf(lane)).toBe(0);
    const done = await ledger.sql(
      'SELECT 1 FROM estop.obligation_phases WHERE obligation_id = $1 AND done_at IS NOT NULL',
      [lane],
    );
    expect(done).toEqual([]);
  });

  it('is cut by the one that waited, although the store is away when it has its turn', async () => {
    const way = await relayTo(ledger.urls.estop_revoker);
    const store = openStore({ url: way.url, applicationName: 'a-worker', max: 4 });
    try {
      const { lane, answer, ended } = await waitingLane(aWorker(store));
      await sleep(longerThanOwn);
      way.cut();
      answer();
      await expect.poll(() => cutsOf(lane), { timeout: 10_000, interval: 50 }).toBe(1);
      way.mend();
      expect(await ended).toEqual(bothDone);
      expect(await probe(aWorker(), lane)).toEqual({ kind: 'proved' });
    } finally {
      await store.end();
      await way.close();
    }
  });

  it('is cut again, and not first asked about, by the one that has not heard that it was opened again', async () => {
    const [lane = ''] = await openLanes(1);
    const [first, second] = [aWorker(), aWorker()];
    await cut(first, lane);
    expect(await probe(first, lane)).toEqual({ kind: 'proved' });
    await reopenObligation(ledger.as('estop_revoker'), lane, 0, 'found alive');
    target.outage(true); // Nothing that is asked now says anything.
    try {
      await expect(probe(second, lane)).resolves.toMatchObject({ kind: 'alive' });
    } finally {
      target.outage(false);
    }
    expect((await getObligation(ledger.as('estop_control'), lane))?.lastError).toBe('found alive');
  });

  it('needs a person where its last probe fails for long', async () => {
    const [lane = ''] = await openLanes(1);
    const worker = aWorker();
    await cut(worker, lane);
    await probe(worker, lane);
    const probeLast = (attempt: number) =>
      inActivity(() => worker.finalProbe({ obligationId: lane, round: 0 }), undefined, attempt);
    const labelOf = async () => (await getObligation(ledger.as('estop_control'), lane))?.needsHuman;
    target.outage(true);
    try {
      await expect(probeLast(8)).rejects.toMatchObject({ code: 'connector-unavailable' });
      expect(await labelOf()).toBeUndefined();
      await expect(probeLast(9)).rejects.toMatchObject({ code: 'connector-unavailable' });
      expect(await labelOf()).toEqual(expect.stringContaining('its last probe failed 9 times'));
    } finally {
      target.outage(false);
    }
    await probeLast(10);
    expect(await labelOf()).toBeUndefined();
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
