import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { runProgram } from '../kit/program.ts';
import { requires } from '../kit/requires.ts';
import { stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

const program = join(import.meta.dirname, 'programs', 'control-worker.ts');
const phases = ['revoke-credential'] as const;

requires('temporal')('the first passes of a stop of many grants', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });

  const stoppedWith = async (grants: Readonly<Record<string, number>>) => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const keys = new Map<string, readonly string[]>();
    for (const [connector, count] of Object.entries(grants))
      keys.set(connector, await Promise.all(Array.from({ length: count }, () => rig.grant(task, connector))));
    return { of: (connector: string) => keys.get(connector) ?? [], stop: () => stopAgent(rig.ledger, agent) };
  };
  const openOf = async (stopId: string): Promise<readonly string[]> => {
    const rows = await rig.ledger.sql(`SELECT grant_id FROM estop.obligations WHERE cause_id = $1 AND state = 'open'`, [
      stopId,
    ]);
    return rows.map((row) => String(row['grant_id']));
  };
  const proved = (stopId: string) =>
    until(async () => {
      const seen = await stopProgress(rig.ledger.as('estop_control'), stopId);
      return seen?.stage === 'proved' && seen;
    });
  /** What happened in the workflows of the lanes of this stop. */
  const eventsOf = async (stopId: string) => {
    const found = [];
    for await (const { workflowId, runId } of rig.control.workflow.list({
      query: "WorkflowType = 'revocationLanes'",
    })) {
      if (!workflowId.includes(stopId)) continue;
      const { events } = await rig.control.workflow.getHandle(workflowId, runId).fetchHistory();
      found.push(...(events ?? []));
    }
    return found;
  };
  /** How often each activity was scheduled there. */
  const scheduled = async (stopId: string): Promise<ReadonlyMap<string, number>> => {
    const counts = new Map<string, number>();
    for (const event of await eventsOf(stopId)) {
      const name = event.activityTaskScheduledEventAttributes?.activityType?.name ?? undefined;
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  };
  /** How many attempts each activity of this name took. Those of one stop whose lanes ran in one workflow. */
  const attemptsOf = async (stopId: string, name: string): Promise<readonly unknown[]> => {
    const events = await eventsOf(stopId);
    const ids = new Set(
      events
        .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === name)
        .map(({ eventId }) => String(eventId)),
    );
    return events.flatMap(({ activityTaskStartedEventAttributes: begun }) =>
      begun && ids.has(String(begun.scheduledEventId)) ? [begun.attempt] : [],
    );
  };

  it('wait out by themselves what a system asks for, without an attempt in vain', async () => {
    const scene = await stoppedWith({ target: 12 });
    const [busy = ''] = scene.of('target');
    rig.target.behave(busy, { cut: 'busy', busyMs: 2_000 });
    const worker = rig.work({ connectors: { target: { phases } } });
    const { stopId } = await scene.stop();
    await proved(stopId);
    expect(await attemptsOf(stopId, 'runPhase')).toEqual([1]);
    expect(rig.target.count('cut revoke-credential', busy)).toBe(2);
    await worker.close();
  });

  it('survive the worker that is killed in the middle of them: no more is cut again than it had in hand', async () => {
    const begin = async () => {
      const started = runProgram(program, [
        rig.ledger.urls.estop_revoker,
        rig.temporal.address,
        rig.folder,
        rig.target.url,
      ]);
      await started.next();
      return started;
    };
    const scene = await stoppedWith({ target: 20 });
    const keys = scene.of('target');
    for (const key of keys) rig.target.behave(key, { cut: 'hung' });
    const first = await begin();
    const { stopId } = await scene.stop();
    const cuts = (key: string): number => rig.target.count('cut fence', key);
    await until(async () => keys.filter((key) => cuts(key) === 1).length === 8);
    await first.kill('SIGKILL');
    const inHand = keys.filter((key) => cuts(key) === 1);
    for (const key of keys) rig.target.behave(key, { cut: 'healthy' });
    const second = await begin();
    await proved(stopId);
    expect(keys.filter((key) => cuts(key) > 1).toSorted()).toEqual(inHand.toSorted());
    await second.kill('SIGKILL');
  }, 120_000);

  it('hold up no system for another, and no lane for one that hangs, lies or fails; those are proved in the end', async () => {
    const scene = await stoppedWith({ target: 60, hanging: 12, single: 1, unserved: 12, missing: 12 });
    const [hung = '', lying = '', failing = '', busy = '', residual = ''] = scene.of('target');
    rig.target.behave(hung, { cut: 'hung' });
    rig.target.behave(lying, { cut: 'lying', lies: 1 });
    rig.target.behave(failing, { cut: 'down' });
    rig.target.behave(busy, { cut: 'busy', busyMs: 4_000 });
    rig.target.behave(residual, { cut: 'healthy', residualMs: 5_000 });
    for (const key of scene.of('hanging')) rig.target.behave(key, { cut: 'hung' });
    const connectors = { target: { phases }, hanging: { phases }, single: { phases } };
    const worker = rig.work({ connectors, broken: ['missing'] });
    const { stopId } = await scene.stop();
    const [putOff] = await until(async () => {
      const rows = await rig.ledger.sql(
        'SELECT next_try_at FROM estop.obligations WHERE cause_id = $1 AND grant_id = $2 AND next_try_at IS NOT NULL',
        [stopId, busy],
      );
      return rows.length > 0 && rows;
    });
    const stubborn = [...scene.of('hanging'), ...scene.of('unserved'), ...scene.of('missing'), hung];
    await until(async () => (await openOf(stopId)).length === stubborn.length + 1);
    expect((await openOf(stopId)).toSorted()).toEqual([...stubborn, failing].toSorted());
    // Those of a system that cannot be built say so each.
    await until(
      async () =>
        (
          await rig.ledger.sql(
            `SELECT 1 FROM estop.obligations WHERE cause_id = $1 AND connector = 'missing' AND last_error IS NOT NULL`,
            [stopId],
          )
        ).length === 12,
    );
    for (const key of [hung, failing, ...scene.of('hanging')]) rig.target.behave(key, { cut: 'healthy' });
    await until(async () => (await openOf(stopId)).length === 24);
    await worker.close();
    rig.work({ connectors: { ...connectors, unserved: { phases }, missing: { phases } } });
    await proved(stopId);
    const [late] = await rig.ledger.sql(
      `SELECT p.attempts, p.begun_at >= $3 AS waited
       FROM estop.obligation_phases p JOIN estop.obligations o USING (obligation_id) WHERE o.cause_id = $1 AND o.grant_id = $2 AND p.phase = 'revoke-credential'`,
      [stopId, busy, putOff?.['next_try_at']],
    );
    expect(late).toMatchObject({ attempts: 2, waited: true });
    const [watched] = await rig.ledger.sql(
      'SELECT proved_at >= residual_until AS watched FROM estop.obligations WHERE cause_id = $1 AND grant_id = $2',
      [stopId, residual],
    );
    expect(watched).toEqual({ watched: true });
    const cuts = (key: string): number => rig.target.count('cut revoke-credential', key);
    expect(cuts(lying)).toBe(2);
    const healthy = [
      ...scene.of('target').slice(5),
      ...scene.of('single'),
      ...scene.of('unserved'),
      ...scene.of('missing'),
    ];
    for (const key of healthy) expect(cuts(key)).toBe(1);
    const counts = await scheduled(stopId);
    expect(counts.get('passLanes')).toBeGreaterThan(2);
    // Alone go those that hang or are missing, and what was in hand when a crowd parted.
    expect(counts.get('runPhase')).toBeLessThan(80);
  }, 120_000);
});
