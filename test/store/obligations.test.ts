import { beforeAll, expect, it } from 'vitest';
import { getGrant } from '../../src/store/grants.ts';
import { beginPhase, concludeObligation, endPhase, noteAttemptFailed } from '../../src/store/lanes.ts';
import {
  acceptRisk,
  getObligation,
  listObligations,
  openEndObligations,
  openObligations,
  wipeFinishedGrants,
} from '../../src/store/obligations.ts';
import { markStage } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, type Ledger, makeLedger, startTask, stopAgent } from './ledger.ts';
import { addGrant, cutAndProve, isFinal, lastProbe, stopped } from './stopped-agent.ts';

onEveryPostgres('obligations', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'a phase that is done is not done again in its round, and is in the next',
    async (l) => {
      const { lanes } = await stopped(l, 1);
      const key = { obligationId: String(lanes[0]), phase: 'revoke-credential', round: 0 };
      const revoker = l.as('estop_revoker');
      expect(await beginPhase(revoker, key)).toMatchObject({ kind: 'begun', attempt: 1 });
      expect(await beginPhase(revoker, key)).toMatchObject({ kind: 'begun', attempt: 2 });
      await endPhase(revoker, key, { kind: 'done' });
      await endPhase(revoker, key, { kind: 'another' });
      const results = await Promise.all(Array.from({ length: 5 }, () => beginPhase(revoker, key)));
      expect(results).toEqual(Array.from({ length: 5 }, () => ({ kind: 'done', result: { kind: 'done' } })));
      expect(await beginPhase(revoker, { ...key, round: 1 })).toMatchObject({ kind: 'begun', attempt: 1 });
      expect((await getObligation(revoker, key.obligationId))?.attempts).toBe(3);
      expect(await beginPhase(revoker, { ...key, obligationId: 'none' })).toEqual({ kind: 'unknown' });
    },
    // rule: idempotent-by-obligation-phase
    {
      what: 'the result that stands',
      in: 'estop.begin_phase',
      find: 'SELECT p.done_at IS NOT NULL, p.result',
      put: 'SELECT false, p.result',
    },
    { what: 'the first result standing', in: 'estop.end_phase', find: 'AND p.done_at IS NULL', put: '' },
  );

  guarded(
    () => ledger,
    'a failed attempt, and a person who is needed, are labels on what stays open',
    async (l) => {
      const { lanes, stopId } = await stopped(l, 1);
      const lane = String(lanes[0]);
      const revoker = l.as('estop_revoker');
      const failed = { obligationId: lane, round: 0, wasProved: false, pauseMs: 30_000 };
      await noteAttemptFailed(revoker, { ...failed, error: 'refused', needsHuman: 'our credential is refused' });
      await noteAttemptFailed(revoker, { ...failed, error: 'again' });
      expect(await getObligation(revoker, lane)).toMatchObject({
        state: 'open',
        lastError: 'again',
        needsHuman: 'our credential is refused',
      });
      expect(await markStage(revoker, stopId, 'revoked')).toBe(false);
      const key = { obligationId: lane, phase: 'terminate', round: 0 };
      await beginPhase(revoker, key);
      await endPhase(revoker, key, {});
      expect(await getObligation(revoker, lane)).not.toHaveProperty('needsHuman');
    },
    {
      what: 'keeping the label',
      in: 'estop.note_attempt_failed',
      find: 'coalesce(left(p_needs_human, 2000), needs_human)',
      put: 'p_needs_human',
    },
  );

  it('a risk is accepted by a named person, for a reason, on record, and ends the obligation', async () => {
    const { lanes, stopId } = await stopped(ledger, 1);
    const lane = String(lanes[0]);
    const control = ledger.as('estop_control');
    await expect(acceptRisk(control, lane, '', 'because')).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(acceptRisk(control, lane, 'olga', '')).rejects.toMatchObject({ code: 'invalid-input' });
    expect(await acceptRisk(control, lane, 'olga', 'the vendor is gone')).toBe(true);
    expect(await acceptRisk(control, lane, 'olga', 'the vendor is gone')).toBe(false);
    expect(await getObligation(control, lane)).toMatchObject({ state: 'accepted-risk', acceptedBy: 'olga' });
    expect(
      await ledger.sql(`SELECT 1 FROM estop.audit WHERE subject = $1 AND kind = 'obligation.accepted-risk'`, [lane]),
    ).toHaveLength(1);
    expect(await markStage(ledger.as('estop_revoker'), stopId, 'revoked')).toBe(true);
    await expect(
      concludeObligation(ledger.as('estop_revoker'), lane, 0, { kind: 'proved', evidence: null as never }),
    ).rejects.toMatchObject({ code: 'invalid-input' });
  });

  guarded(
    () => ledger,
    'a grant that was accepted as a risk lives on for the next stop, until that one proves it dead',
    async (l) => {
      const { agent, stopId, lanes } = await stopped(l, 1);
      const revoker = l.as('estop_revoker');
      const grantId = String(lanes[0]).slice(stopId.length + 1);
      await acceptRisk(l.as('estop_control'), String(lanes[0]), 'olga', 'the vendor is gone');
      await wipeFinishedGrants(revoker);
      expect((await getGrant(revoker, grantId))?.state).toBe('issued');
      const second = await stopAgent(l, agent);
      expect(await openObligations(revoker, second.stopId)).toBe(1);
      await cutAndProve(l, `${second.stopId}/${grantId}`);
      await lastProbe(l, `${second.stopId}/${grantId}`);
      await wipeFinishedGrants(revoker);
      expect((await getGrant(revoker, grantId))?.state).toBe('ended');
    },
    {
      what: 'the last word being a proof',
      in: 'estop.is_finished_grant',
      find: /AND coalesce\(\(SELECT o\.state <> 'accepted-risk'[^;]*/,
      put: '',
    },
  );

  guarded(
    () => ledger,
    'what was accepted as a risk is not taken up again because its task has ended',
    async (l) => {
      const { stopId, lanes } = await stopped(l, 1);
      await acceptRisk(l.as('estop_control'), String(lanes[0]), 'olga', 'the vendor is gone');
      await markStage(l.as('estop_revoker'), stopId, 'revoked');
      expect(await markStage(l.as('estop_revoker'), stopId, 'proved')).toBe(true);
      await resetStop(l.as('estop_control'), { stopId, actor: 'olga', reason: 'looked into' });
      await openEndObligations(l.as('estop_revoker'));
      const grantId = String(lanes[0]).slice(stopId.length + 1);
      expect(await l.sql('SELECT obligation_id FROM estop.obligations WHERE grant_id = $1', [grantId])).toEqual([
        { obligation_id: lanes[0] },
      ]);
    },
    {
      what: 'the acceptance standing',
      in: 'estop.open_end_obligations',
      find: "(o.final_at IS NULL OR o.state = 'accepted-risk')",
      put: 'o.final_at IS NULL',
    },
  );

  it('two stops over one grant are two obligations, and the grant ends with the last', async () => {
    const { agent, stopId, lanes } = await stopped(ledger, 1);
    const second = await stopAgent(ledger, agent);
    const revoker = ledger.as('estop_revoker');
    await openObligations(revoker, second.stopId);
    await cutAndProve(ledger, String(lanes[0]));
    await lastProbe(ledger, String(lanes[0]));
    await wipeFinishedGrants(revoker);
    const grantId = String(lanes[0]).slice(stopId.length + 1);
    expect((await getGrant(revoker, grantId))?.state).toBe('issued');
    await cutAndProve(ledger, `${second.stopId}/${grantId}`);
    await lastProbe(ledger, `${second.stopId}/${grantId}`);
    await wipeFinishedGrants(revoker);
    expect((await getGrant(revoker, grantId))?.state).toBe('ended');
  });

  it("a task that merely ended has its grants ended, final with the lane's own proof", async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    const grantId = await addGrant(ledger, task);
    const revoker = ledger.as('estop_revoker');
    await openEndObligations(revoker);
    expect((await listObligations(revoker, { agentId: agent.agentId })).items).toEqual([]);
    await closeTasks(revoker, [task.taskId], 'terminated by somebody');
    await openEndObligations(revoker);
    await openEndObligations(revoker);
    const [lane] = (await listObligations(revoker, { agentId: agent.agentId })).items;
    expect(lane).toMatchObject({ causeId: `end:${task.taskId}`, grantId, state: 'open' });
    await cutAndProve(ledger, String(lane?.obligationId));
    expect(await isFinal(ledger, String(lane?.obligationId))).toBe(true);
    await wipeFinishedGrants(revoker);
    expect((await getGrant(revoker, grantId))?.state).toBe('ended');
  });
});
