import { beforeAll, describe, expect, it } from 'vitest';
import { createConnectorActivities } from '../../src/activities/connector-phase.ts';
import type { ConnectorActivities, CrowdProbed } from '../../src/contract/activities.ts';
import { noteAttemptFailed } from '../../src/store/lanes.ts';
import { getObligation, type ObligationRecord } from '../../src/store/obligations.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';
import { cutAndProve, stopped } from '../store/stopped-agent.ts';
import { environment, type LogLine, recordingLog } from './rig.ts';
import { startTarget, type Target } from './target.ts';
import { targetConnectors } from './target-connectors.ts';

describe('a crowd of lanes that is probed for the last time', () => {
  let ledger: Ledger;
  let target: Target;
  let activities: ConnectorActivities;
  let logged: readonly LogLine[];
  beforeAll(async () => {
    [ledger, target] = await Promise.all([makeLedger(createDatabase), startTarget()]);
    const recording = recordingLog();
    logged = recording.logged;
    activities = createConnectorActivities({
      store: ledger.as('estop_revoker'),
      environment,
      sealer: { seal: (plain) => plain, open: (_sealed, key) => new TextEncoder().encode(JSON.stringify({ key })) },
      log: recording.log,
      // Longer than a crowd is patient.
      get: targetConnectors(target.url, { connectors: { 'pg-main': { attemptMs: 8_000 } } }).get,
    });
  });

  /** So many lanes of one stop, each cut and proved. */
  const provedLanes = async (count: number): Promise<readonly string[]> => {
    const { lanes } = await stopped(ledger, count);
    for (const lane of lanes) await cutAndProve(ledger, lane);
    return lanes;
  };
  const keyOf = (lane: string): string => lane.split('/')[1] ?? '';
  /** Again for those that had no turn, until each is named. */
  const probe = async (lanes: readonly string[]): Promise<CrowdProbed> => {
    const settled: string[] = [];
    const failed: string[] = [];
    for (let left = lanes; left.length > 0; ) {
      const asked = left.map((obligationId) => ({ obligationId, round: 0 }));
      const probed = await inActivity(() => activities.finalProbes({ connector: 'pg-main', lanes: asked }));
      settled.push(...probed.settled);
      failed.push(...probed.failed);
      const named = new Set([...probed.settled, ...probed.failed]);
      expect(named.size).toBeGreaterThan(0);
      left = left.filter((lane) => !named.has(lane));
    }
    return { settled: settled.toSorted(), failed: failed.toSorted() };
  };
  const inLedger = (lanes: readonly string[]): Promise<readonly (ObligationRecord | undefined)[]> =>
    Promise.all(lanes.map((lane) => getObligation(ledger.as('estop_control'), lane)));
  const probedLast = async (lanes: readonly string[]): Promise<readonly unknown[]> => {
    const rows = await ledger.sql(
      'SELECT obligation_id FROM estop.obligations WHERE obligation_id = ANY ($1) AND final_probed_at IS NOT NULL ORDER BY obligation_id',
      [lanes],
    );
    return rows.map((row) => row['obligation_id']);
  };

  it('is final together, each by a probe of its own', async () => {
    const lanes = await provedLanes(20);
    expect(await probe(lanes)).toEqual({ settled: lanes.toSorted(), failed: [] });
    for (const lane of await inLedger(lanes))
      expect(lane).toMatchObject({ state: 'proved', finalAt: expect.any(String) });
    for (const lane of lanes) expect(target.count('use now', keyOf(lane))).toBe(1);
  });

  it('is opened again where one of it has come to life, and nowhere else', async () => {
    const lanes = await provedLanes(20);
    const zombies = [lanes[3], lanes[11], lanes[12]].map(String);
    for (const zombie of zombies) target.revive(keyOf(zombie));
    expect(await probe(lanes)).toEqual({ settled: lanes.toSorted(), failed: [] });
    for (const [index, lane] of (await inLedger(lanes)).entries()) {
      const isZombie = zombies.includes(lanes[index] ?? '');
      expect([lanes[index], lane?.state, lane?.round]).toEqual(
        isZombie ? [lanes[index], 'open', 1] : [lanes[index], 'proved', 0],
      );
      expect(lane?.finalAt).toBeUndefined();
    }
  });

  it('waits for none that never answers, which is left to be asked alone', async () => {
    const lanes = await provedLanes(20);
    const hanging = [lanes[0], lanes[7]].map(String);
    for (const lane of hanging) target.behave(keyOf(lane), { cut: 'healthy', mute: 'use' });
    const others = lanes.filter((lane) => !hanging.includes(lane));
    expect(await probe(lanes)).toEqual({ settled: others.toSorted(), failed: hanging.toSorted() });
    expect(await probedLast(lanes)).toEqual(others.toSorted());
    for (const lane of await inLedger(hanging)) expect(lane?.lastError).toContain('no answer within 3000 ms');
    // By the record: each of the others had begun before the first that hangs was given up.
    const [row] = await ledger.sql(
      'SELECT max(final_probed_at) < min(next_try_at) AS beside FROM estop.obligations WHERE obligation_id = ANY ($1)',
      [lanes],
    );
    expect(row).toEqual({ beside: true });
    for (const lane of await inLedger(lanes)) expect(lane?.finalAt).toBeUndefined();
  }, 30_000);

  it('does not ask again before its time a system that asked for some', async () => {
    const lanes = await provedLanes(12);
    const busy = String(lanes[4]);
    await noteAttemptFailed(ledger.as('estop_revoker'), {
      obligationId: busy,
      round: 0,
      wasProved: true,
      error: 'status 429',
      pauseMs: 60_000,
      isPauseAsked: true,
    });
    expect((await probe(lanes)).failed).toEqual([busy]);
    const alone = inActivity(() => activities.finalProbe({ obligationId: busy, round: 0 }));
    await expect(alone).rejects.toMatchObject({ retryAfterMs: expect.any(Number) });
    expect(target.count('use now', keyOf(busy))).toBe(0);
  });

  it('proves nothing under an outage that refuses everybody', async () => {
    const lanes = await provedLanes(12);
    target.outage(true);
    try {
      expect(await probe(lanes)).toEqual({ settled: [], failed: lanes.toSorted() });
    } finally {
      target.outage(false);
    }
    expect(await probedLast(lanes)).toEqual([]);
    expect(
      logged.some(
        ({ fields }) => fields['event'] === 'lane.reopened' && lanes.includes(String(fields['obligationId'])),
      ),
    ).toBe(false);
  });
});
