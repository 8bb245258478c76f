import { beforeAll, expect, it } from 'vitest';
import { beginPhase, concludeObligation, markRevoked, reopenObligation } from '../../src/store/lanes.ts';
import {
  acceptRisk,
  finalLanes,
  getObligation,
  openObligations,
  wipeFinishedGrants,
} from '../../src/store/obligations.ts';
import { listUnfinishedRevocations } from '../../src/store/relay.ts';
import { markStage, markSweep, revocationState, stopProgress } from '../../src/store/stop-progress.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { type Ledger, makeLedger } from './ledger.ts';
import { cutAndProve, isFinal, lastProbe, stopped } from './stopped-agent.ts';

onEveryPostgres('the proof of a stop', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  it('a stop goes from latched to proved, its grants end and their secrets are wiped', async () => {
    const { stopId, lanes, agent } = await stopped(ledger, 2);
    const revoker = ledger.as('estop_revoker');
    expect(await listUnfinishedRevocations(revoker)).toContainEqual({
      agentId: agent.agentId,
      causeId: stopId,
      epoch: expect.any(Number),
    });
    for (const lane of lanes) await cutAndProve(ledger, lane);
    expect(await markStage(revoker, stopId, 'revoked')).toBe(true);
    expect(await markStage(revoker, stopId, 'proved')).toBe(false);
    expect((await finalLanes(revoker, stopId, 10)).map((lane) => lane.obligationId).sort()).toEqual([...lanes].sort());
    for (const lane of lanes) expect(await lastProbe(ledger, lane)).toBe(true);
    expect(await finalLanes(revoker, stopId, 10)).toEqual([]);
    expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    await wipeFinishedGrants(revoker);
    const progress = await stopProgress(ledger.as('estop_control'), stopId);
    expect(progress).toMatchObject({
      stage: 'proved',
      evidence: 'credential-probed',
      tasks: { covered: 1, halted: 1 },
      revocation: { total: 2, final: 2, uncovered: 0 },
    });
    expect(
      await ledger.sql(`SELECT 1 FROM estop.grants WHERE agent_id = $1 AND (sealed IS NOT NULL OR state <> 'ended')`, [
        agent.agentId,
      ]),
    ).toEqual([]);
    expect((await listUnfinishedRevocations(revoker)).filter((one) => one.causeId === stopId)).toEqual([]);
  });

  it('a stop with nothing to revoke says so', async () => {
    const { stopId } = await stopped(ledger, 0);
    const revoker = ledger.as('estop_revoker');
    expect(await markStage(revoker, stopId, 'revoked')).toBe(true);
    expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    expect((await stopProgress(revoker, stopId))?.evidence).toBe('nothing-to-revoke');
  });

  it('the evidence of a stop is that of its weakest obligation', async () => {
    const { stopId, lanes } = await stopped(ledger, 2);
    const revoker = ledger.as('estop_revoker');
    await markRevoked(revoker, String(lanes[0]), 0);
    await concludeObligation(revoker, String(lanes[0]), 0, { kind: 'proved', evidence: 'issuer-attested' });
    await cutAndProve(ledger, String(lanes[1]));
    for (const lane of lanes) await lastProbe(ledger, lane);
    await markStage(revoker, stopId, 'revoked');
    await markStage(revoker, stopId, 'proved');
    expect((await stopProgress(revoker, stopId))?.evidence).toBe('issuer-attested');
  });

  guarded(
    () => ledger,
    'a risk that somebody accepted is the evidence of the stop, whatever else was proved',
    async (l) => {
      const { stopId, lanes } = await stopped(l, 2);
      const revoker = l.as('estop_revoker');
      await cutAndProve(l, String(lanes[0]));
      await acceptRisk(l.as('estop_control'), String(lanes[1]), 'olga', 'the vendor is gone');
      await lastProbe(l, String(lanes[0]));
      await markStage(revoker, stopId, 'revoked');
      expect(await markStage(revoker, stopId, 'proved')).toBe(true);
      expect(await stopProgress(revoker, stopId)).toMatchObject({ stage: 'proved', evidence: 'accepted-risk' });
    },
    {
      what: 'the risk beating every proof',
      in: 'estop.mark_stage',
      find: `WHEN bool_or(o.state = 'accepted-risk') THEN 'accepted-risk'`,
      put: '',
    },
  );

  it('a credential that merely ran out was not nothing to revoke: its issuer said when it ends', async () => {
    const { stopId, lanes } = await stopped(ledger, 1);
    const revoker = ledger.as('estop_revoker');
    await markRevoked(revoker, String(lanes[0]), 0);
    await concludeObligation(revoker, String(lanes[0]), 0, { kind: 'expired' });
    await lastProbe(ledger, String(lanes[0]));
    await markStage(revoker, stopId, 'revoked');
    expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    expect((await stopProgress(revoker, stopId))?.evidence).toBe('issuer-attested');
  });

  guarded(
    () => ledger,
    'a stage is stamped only on what the ledger shows',
    async (l) => {
      const { stopId, lanes } = await stopped(l, 2);
      const revoker = l.as('estop_revoker');
      await cutAndProve(l, String(lanes[0]));
      expect(await markStage(revoker, stopId, 'revoked')).toBe(false);
      await cutAndProve(l, String(lanes[1]));
      await l.sql('DELETE FROM estop.obligations WHERE obligation_id = $1', [lanes[1]]);
      // A covered grant without an obligation.
      expect(await markStage(revoker, stopId, 'revoked')).toBe(false);
      await openObligations(revoker, stopId);
      await cutAndProve(l, String(lanes[1]));
      expect(await markStage(revoker, stopId, 'revoked')).toBe(true);
      expect(await markStage(revoker, stopId, 'proved')).toBe(false);
      for (const lane of lanes) expect(await lastProbe(l, lane)).toBe(true);
      await l.sql('UPDATE estop.stop_progress SET sweeps_done = 1 WHERE stop_id = $1', [stopId]);
      expect(await markStage(revoker, stopId, 'proved')).toBe(false);
      expect(await markSweep(revoker, stopId, 1)).toBe(true);
      expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    },
    // rule: ledger-decides, stray-sweep
    {
      what: 'obligations not acted on',
      in: 'estop.mark_stage',
      find: 'r.uncovered > 0 OR r.acted < r.total',
      put: 'r.uncovered > 0',
    },
    {
      what: 'uncovered grants',
      in: 'estop.mark_stage',
      find: 'r.uncovered > 0 OR r.acted < r.total',
      put: 'r.acted < r.total',
    },
    {
      what: 'the final probes',
      in: 'estop.mark_stage',
      find: `p_stage = 'proved' AND r.final < r.total`,
      put: 'false',
    },
    { what: 'the sweeps', in: 'estop.mark_stage', find: 'AND p.sweeps_done >= 2', put: '' },
  );

  guarded(
    () => ledger,
    'a last probe counts only if it began after the last cut of the whole stop',
    async (l) => {
      const { lanes } = await stopped(l, 2);
      const [first, second] = [String(lanes[0]), String(lanes[1])];
      const revoker = l.as('estop_revoker');
      await cutAndProve(l, first);
      expect(await lastProbe(l, first)).toBe(false);
      const early = await beginPhase(revoker, { obligationId: first, phase: 'final', round: 0 });
      await cutAndProve(l, second);
      expect(await lastProbe(l, first, 0, early)).toBe(false);
      expect(await lastProbe(l, first)).toBe(true);
      expect(await isFinal(l, first)).toBe(false);
      expect(await lastProbe(l, second)).toBe(true);
      expect(await isFinal(l, first)).toBe(true);
      expect(await isFinal(l, second)).toBe(true);
    },
    // rule: final-probe, open-until-final
    { what: 'the time of the last cut', in: 'estop.mark_final', find: 'AND p_begun_at[n] > last_cut', put: '' },
    {
      what: 'lanes that are not cut yet',
      in: 'estop.mark_final',
      find: /IF EXISTS \([^;]*RETURN 0; END IF;/,
      put: '',
    },
    {
      what: 'becoming final together',
      in: 'estop.mark_final',
      find: /IF EXISTS \(SELECT 1 FROM estop\.obligations x\s+WHERE[^;]*x\.final_probed_at IS NULL\) THEN RETURN taken; END IF;/,
      put: '',
    },
  );

  guarded(
    () => ledger,
    'a lane that must be cut again makes the others probe again',
    async (l) => {
      const { lanes, stopId } = await stopped(l, 2);
      const [first, second] = [String(lanes[0]), String(lanes[1])];
      const revoker = l.as('estop_revoker');
      await cutAndProve(l, first);
      await cutAndProve(l, second);
      await markStage(revoker, stopId, 'revoked');
      expect(await lastProbe(l, first)).toBe(true);
      expect(await reopenObligation(revoker, second, 0, 'it still answers')).toBe(true);
      expect(await reopenObligation(revoker, second, 0, 'it still answers')).toBe(false);
      expect((await stopProgress(revoker, stopId))?.stage).toBe('halted');
      expect(await getObligation(revoker, second)).toMatchObject({
        state: 'open',
        round: 1,
        lastError: 'it still answers',
      });
      await cutAndProve(l, second, 1);
      expect((await finalLanes(revoker, stopId, 10)).map((lane) => lane.obligationId)).toContain(first);
      expect(await lastProbe(l, second, 1)).toBe(true);
      expect(await isFinal(l, second)).toBe(false);
      expect(await lastProbe(l, first)).toBe(true);
      expect(await isFinal(l, second)).toBe(true);
    },
    {
      what: "the age of the others' probes",
      in: 'estop.mark_final',
      find: /IF EXISTS \(SELECT 1 FROM estop\.obligations x\s+WHERE[^;]*x\.final_probed_at <= last_cut\) THEN RETURN taken; END IF;/,
      put: '',
    },
    {
      what: 'taking the stage back',
      in: 'estop.reopen_obligation',
      find: /UPDATE estop\.stop_progress p SET revoked_at = NULL[^;]*;/,
      put: '',
    },
  );

  guarded(
    () => ledger,
    'answers that belong to an older round change nothing',
    async (l) => {
      const { lanes } = await stopped(l, 1);
      const lane = String(lanes[0]);
      const revoker = l.as('estop_revoker');
      await cutAndProve(l, lane);
      await reopenObligation(revoker, lane, 0, 'alive');
      expect(await markRevoked(revoker, lane, 0)).toBe(false);
      expect(await concludeObligation(revoker, lane, 0, { kind: 'proved', evidence: 'credential-probed' })).toBe(false);
      expect(await getObligation(revoker, lane)).toMatchObject({ state: 'open', round: 1 });
    },
    { what: 'the round of a cut', in: 'estop.mark_revoked', find: 'AND round = p_round', put: '' },
    { what: 'the round of a verdict', in: 'estop.conclude_obligation', find: 'AND o.round = p_round', put: '' },
  );

  guarded(
    () => ledger,
    "residual access is named, stays open until it is proved, and holds up nobody else's last probe",
    async (l) => {
      const { lanes, stopId } = await stopped(l, 2);
      const [token, database] = [String(lanes[0]), String(lanes[1])];
      const revoker = l.as('estop_revoker');
      await markRevoked(revoker, token, 0);
      await concludeObligation(revoker, token, 0, {
        kind: 'residual',
        until: '2030-01-01T00:00:00Z',
        why: 'a self-contained token',
      });
      await cutAndProve(l, database);
      expect(await lastProbe(l, database)).toBe(true);
      expect(await isFinal(l, database)).toBe(true);
      expect(await revocationState(revoker, stopId)).toMatchObject({
        concluded: 1,
        acted: 2,
        final: 1,
        residualUntil: '2030-01-01T00:00:00.000000Z',
      });
      await markStage(revoker, stopId, 'revoked');
      expect(await markStage(revoker, stopId, 'proved')).toBe(false);
      expect(await lastProbe(l, token)).toBe(false);
      await concludeObligation(revoker, token, 0, { kind: 'proved', evidence: 'credential-probed' });
      expect(await lastProbe(l, token)).toBe(true);
      expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    },
    // rule: residual-watched
    {
      what: 'a residual not being final',
      in: 'estop.mark_final',
      find: `AND o.state IN ('proved', 'expired') AND p_begun_at[n]`,
      put: 'AND p_begun_at[n]',
    },
    {
      what: 'a residual holding up nobody',
      in: 'estop.mark_final',
      find: `AND x.state <> 'residual' AND x.final_probed_at IS NULL`,
      put: 'AND x.final_probed_at IS NULL',
    },
  );
});
