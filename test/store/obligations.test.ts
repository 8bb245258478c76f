import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { labelKey } from '../../src/core/scope-key.ts';
import { getGrant, mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { beginPhase, concludeObligation, endPhase, markFinal, markRevoked, noteAttemptFailed, reopenObligation } from '../../src/store/lanes.ts';
import { acceptRisk, finalLanes, getObligation, listObligations, openEndObligations, openObligations, openRevocations, wipeFinishedGrants } from '../../src/store/obligations.ts';
import { markStage, markSweep, revocationState, stopProgress } from '../../src/store/stop-progress.ts';
import { resetStop, unfinishedStops } from '../../src/store/stops.ts';
import { closeTasks, type TaskRecord } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, fence, type Ledger, makeLedger, newId, newName, putAgents, startTask, stop, stopAgent } from './ledger.ts';

const sealed = new TextEncoder().encode('sealed');

async function addGrant(l: Ledger, task: TaskRecord, connector = 'pg-main'): Promise<string> {
  const grantId = newId('grant');
  const trusted = l.as('estop_trusted');
  await mintIntend(trusted, { grantId, name: grantId, taskId: task.taskId, connector, target: 't', shared: false, handle: {}, epoch: task.epoch, lifeMs: 60_000 });
  await mintRecheck(trusted, grantId);
  await mintIssued(trusted, grantId, sealed);
  return grantId;
}

interface Scene {
  readonly agent: AgentSpec;
  readonly task: TaskRecord;
  readonly stopId: string;
  readonly lanes: readonly string[];
}

/** A stopped agent with so many issued grants, fenced, halted and swept; its obligations are open. */
async function stopped(l: Ledger, grants: number): Promise<Scene> {
  const agent = await addAgent(l);
  const task = await startTask(l, agent);
  const grantIds: string[] = [];
  for (let index = 0; index < grants; index += 1) grantIds.push(await addGrant(l, task));
  const { stopId } = await stopAgent(l, agent);
  const revoker = l.as('estop_revoker');
  expect(await fence(l, stopId)).toBe(true);
  await closeTasks(revoker, [task.taskId], 'terminated');
  expect(await markStage(revoker, stopId, 'halted')).toBe(true);
  await markSweep(revoker, stopId);
  await markSweep(revoker, stopId);
  await openObligations(revoker, stopId);
  return { agent, task, stopId, lanes: grantIds.map((grantId) => `${stopId}/${grantId}`) };
}

async function cutAndProve(l: Ledger, lane: string, round = 0): Promise<void> {
  const revoker = l.as('estop_revoker');
  expect(await markRevoked(revoker, lane, round)).toBe(true);
  expect(await concludeObligation(revoker, lane, round, { kind: 'proved', evidence: 'credential-probed' })).toBe(true);
}

/** One last probe of a lane that finds it dead. */
async function lastProbe(l: Ledger, lane: string, round = 0): Promise<boolean> {
  const attempt = await beginPhase(l.as('estop_revoker'), { obligationId: lane, phase: 'final', round });
  return markFinal(l.as('estop_revoker'), lane, round, attempt.kind === 'begun' ? attempt.begunAt : '');
}

const isFinal = async (l: Ledger, lane: string): Promise<boolean> => (await getObligation(l.as('estop_revoker'), lane))?.finalAt !== undefined;

onEveryPostgres('obligations', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  it('a stop goes from latched to proved, its grants end and their secrets are wiped', async () => {
    const { stopId, lanes, agent } = await stopped(ledger, 2);
    const revoker = ledger.as('estop_revoker');
    expect(await openRevocations(revoker)).toContainEqual({ agentId: agent.agentId, causeId: stopId, causeEpoch: expect.any(Number) });
    for (const lane of lanes) await cutAndProve(ledger, lane);
    expect(await markStage(revoker, stopId, 'revoked')).toBe(true);
    expect(await markStage(revoker, stopId, 'proved')).toBe(false);
    expect((await finalLanes(revoker, stopId, 10)).map((lane) => lane.obligationId).sort()).toEqual([...lanes].sort());
    for (const lane of lanes) expect(await lastProbe(ledger, lane)).toBe(true);
    expect(await finalLanes(revoker, stopId, 10)).toEqual([]);
    expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    await wipeFinishedGrants(revoker);
    const progress = await stopProgress(ledger.as('estop_control'), stopId);
    expect(progress).toMatchObject({ stage: 'proved', evidence: 'credential-probed', tasks: { covered: 1, halted: 1 }, revocation: { total: 2, final: 2, uncovered: 0 } });
    expect(await ledger.sql(`SELECT 1 FROM estop.grants WHERE agent_id = $1 AND (sealed IS NOT NULL OR state <> 'ended')`, [agent.agentId])).toEqual([]);
    expect((await openRevocations(revoker)).filter((one) => one.causeId === stopId)).toEqual([]);
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
      await markSweep(revoker, stopId);
      expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    },
    // rule: ledger-decides, stray-sweep
    { what: 'obligations not acted on', in: 'estop.mark_stage', find: 'r.uncovered > 0 OR r.acted < r.total', put: 'r.uncovered > 0' },
    { what: 'uncovered grants', in: 'estop.mark_stage', find: 'r.uncovered > 0 OR r.acted < r.total', put: 'r.acted < r.total' },
    { what: 'the final probes', in: 'estop.mark_stage', find: `p_stage = 'proved' AND r.final < r.total`, put: 'false' },
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
      expect(await markFinal(revoker, first, 0, early.kind === 'begun' ? early.begunAt : '')).toBe(false);
      expect(await lastProbe(l, first)).toBe(true);
      expect(await isFinal(l, first)).toBe(false);
      expect(await lastProbe(l, second)).toBe(true);
      expect(await isFinal(l, first)).toBe(true);
      expect(await isFinal(l, second)).toBe(true);
    },
    // rule: final-probe, open-until-final
    { what: 'the time of the last cut', in: 'estop.mark_final', find: 'AND p_probe_begun_at > last_cut', put: '' },
    { what: 'lanes that are not cut yet', in: 'estop.mark_final', find: /IF EXISTS \([^;]*RETURN false; END IF;/, put: '' },
    { what: 'becoming final together', in: 'estop.mark_final', find: /\s+AND NOT EXISTS \(SELECT 1 FROM estop\.obligations x WHERE x\.cause_id = cause AND x\.final_at IS NULL AND x\.state <> 'residual'[\s\S]*?last_cut\)\)/, put: '' },
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
      expect(await getObligation(revoker, second)).toMatchObject({ state: 'open', round: 1, lastError: 'it still answers' });
      await cutAndProve(l, second, 1);
      expect((await finalLanes(revoker, stopId, 10)).map((lane) => lane.obligationId)).toContain(first);
      expect(await lastProbe(l, second, 1)).toBe(true);
      expect(await isFinal(l, second)).toBe(false);
      expect(await lastProbe(l, first)).toBe(true);
      expect(await isFinal(l, second)).toBe(true);
    },
    { what: 'the age of the others\' probes', in: 'estop.mark_final', find: 'x.final_probed_at IS NULL OR x.final_probed_at <= last_cut', put: 'x.final_probed_at IS NULL' },
    { what: 'taking the stage back', in: 'estop.reopen_obligation', find: /UPDATE estop\.stop_progress p SET revoked_at = NULL[^;]*;/, put: '' },
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
    { what: 'the result that stands', in: 'estop.begin_phase', find: 'SELECT p.done_at IS NOT NULL, p.result', put: 'SELECT false, p.result' },
    { what: 'the first result standing', in: 'estop.end_phase', find: 'AND p.done_at IS NULL', put: '' },
  );

  guarded(
    () => ledger,
    'a failed attempt, and a person who is needed, are labels on what stays open',
    async (l) => {
      const { lanes, stopId } = await stopped(l, 1);
      const lane = String(lanes[0]);
      const revoker = l.as('estop_revoker');
      await noteAttemptFailed(revoker, { obligationId: lane, error: 'refused', nextTryAt: '2030-01-01T00:00:00Z', needsHuman: 'our credential is refused' });
      await noteAttemptFailed(revoker, { obligationId: lane, error: 'again' });
      expect(await getObligation(revoker, lane)).toMatchObject({ state: 'open', lastError: 'again', needsHuman: 'our credential is refused' });
      expect(await markStage(revoker, stopId, 'revoked')).toBe(false);
      const key = { obligationId: lane, phase: 'terminate', round: 0 };
      await beginPhase(revoker, key);
      await endPhase(revoker, key, {});
      expect(await getObligation(revoker, lane)).not.toHaveProperty('needsHuman');
    },
    { what: 'keeping the label', in: 'estop.note_attempt_failed', find: 'coalesce(left(p_needs_human, 2000), needs_human)', put: 'p_needs_human' },
  );

  guarded(
    () => ledger,
    'residual access is named, stays open until it is proved, and holds up nobody else\'s last probe',
    async (l) => {
      const { lanes, stopId } = await stopped(l, 2);
      const [token, database] = [String(lanes[0]), String(lanes[1])];
      const revoker = l.as('estop_revoker');
      await markRevoked(revoker, token, 0);
      await concludeObligation(revoker, token, 0, { kind: 'residual', until: '2030-01-01T00:00:00Z', why: 'a self-contained token' });
      await cutAndProve(l, database);
      expect(await lastProbe(l, database)).toBe(true);
      expect(await isFinal(l, database)).toBe(true);
      expect(await revocationState(revoker, stopId)).toMatchObject({ concluded: 1, acted: 2, final: 1, residualUntil: '2030-01-01T00:00:00.000000Z' });
      await markStage(revoker, stopId, 'revoked');
      expect(await markStage(revoker, stopId, 'proved')).toBe(false);
      expect(await lastProbe(l, token)).toBe(false);
      await concludeObligation(revoker, token, 0, { kind: 'proved', evidence: 'credential-probed' });
      expect(await lastProbe(l, token)).toBe(true);
      expect(await markStage(revoker, stopId, 'proved')).toBe(true);
    },
    // rule: residual-watched
    { what: 'a residual not being final', in: 'estop.mark_final', find: `AND o.state IN ('proved', 'expired') AND p_probe_begun_at`, put: 'AND p_probe_begun_at', },
    { what: 'a residual holding up nobody', in: 'estop.mark_final', find: `AND x.state <> 'residual'`, put: '' },
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
    expect(await ledger.sql(`SELECT 1 FROM estop.audit WHERE subject = $1 AND kind = 'obligation.accepted-risk'`, [lane])).toHaveLength(1);
    expect(await markStage(ledger.as('estop_revoker'), stopId, 'revoked')).toBe(true);
    await expect(concludeObligation(ledger.as('estop_revoker'), lane, 0, { kind: 'proved', evidence: null as never })).rejects.toMatchObject({ code: 'invalid-input' });
  });

  guarded(
    () => ledger,
    'what a proved stop in force comes to cover later takes `proved` back until it is dealt with',
    async (l) => {
      const value = newName('v');
      const key = labelKey('team', value);
      const early = await addAgent(l, { labels: { team: value } });
      const late = await addAgent(l);
      const task = await startTask(l, late);
      const grantId = await addGrant(l, task);
      const { stopId } = await stop(l, key);
      const revoker = l.as('estop_revoker');
      await fence(l, stopId);
      await openObligations(revoker, stopId);
      await markSweep(revoker, stopId);
      await markSweep(revoker, stopId);
      for (const stage of ['halted', 'revoked', 'proved'] as const) expect(await markStage(revoker, stopId, stage)).toBe(true);
      expect((await unfinishedStops(revoker)).map((one) => one.stopId)).toContain(stopId);

      await putAgents(l, [early, { ...late, labels: { team: value } }]);
      expect(await openObligations(revoker, stopId)).toBe(1);
      expect(await stopProgress(revoker, stopId)).toMatchObject({ stage: 'fenced', tasks: { covered: 1, halted: 0 } });
      expect(await stopProgress(revoker, stopId)).not.toHaveProperty('revokedAt');
      await closeTasks(revoker, [task.taskId], 'terminated');
      await cutAndProve(l, `${stopId}/${grantId}`);
      await lastProbe(l, `${stopId}/${grantId}`);
      for (const stage of ['halted', 'revoked', 'proved'] as const) expect(await markStage(revoker, stopId, stage)).toBe(true);
    },
    // rule: obligations-polled
    { what: 'labels as of now', in: 'estop.open_obligations', find: 'OR g.agents && labelled', put: '' },
    { what: 'taking `revoked` and `proved` back', in: 'estop.open_obligations', find: /UPDATE estop\.stop_progress p SET revoked_at = NULL[^;]*;/, put: '' },
    { what: 'taking `halted` back', in: 'estop.open_obligations', find: /UPDATE estop\.stop_progress p SET halted_at = NULL[^;]*;/, put: '' },
  );

  it('a grant intended before the latch and committed after the first look is found by a later one', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    const slow = await ledger.session('estop_trusted');
    const grantId = newId('grant');
    await slow.query('BEGIN');
    await slow.query(`SELECT * FROM estop.mint_intend($1, 'a', $2, 'c', 't', false, '{}', $3, 60000)`, [grantId, task.taskId, task.epoch]);
    const { stopId } = await stopAgent(ledger, agent);
    const revoker = ledger.as('estop_revoker');
    expect(await openObligations(revoker, stopId)).toBe(0);
    await slow.query('COMMIT');
    expect(await openObligations(revoker, stopId)).toBe(1);
    expect(await openObligations(revoker, stopId)).toBe(0);
  });

  guarded(
    () => ledger,
    'a grant that was never issued is closed without a cut or a probe',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const grantId = newId('grant');
      await mintIntend(l.as('estop_trusted'), { grantId, name: 'a', taskId: task.taskId, connector: 'c', target: 't', shared: false, handle: {}, epoch: task.epoch, lifeMs: 60_000 });
      const { stopId } = await stopAgent(l, agent);
      const revoker = l.as('estop_revoker');
      await fence(l, stopId);
      await openObligations(revoker, stopId);
      expect((await mintRecheck(l.as('estop_trusted'), grantId)).kind).toBe('stopped');
      await openObligations(revoker, stopId);
      expect(await getObligation(revoker, `${stopId}/${grantId}`)).toMatchObject({ state: 'proved', evidence: 'nothing-to-revoke', finalAt: expect.any(String) });
      expect((await openRevocations(revoker)).filter((one) => one.causeId === stopId)).toEqual([]);
    },
    { what: 'closing it', in: 'estop.open_obligations', find: 'PERFORM estop.close_never_issued(p_stop_id);', put: '' },
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

  it('a task that merely ended has its grants ended, final with the lane\'s own proof', async () => {
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

  it('a dead grant of a closed task that no stop is working on any more is still ended', async () => {
    const { agent, task, stopId, lanes } = await stopped(ledger, 1);
    const revoker = ledger.as('estop_revoker');
    await cutAndProve(ledger, String(lanes[0]));
    await lastProbe(ledger, String(lanes[0]));
    for (const stage of ['revoked', 'proved'] as const) await markStage(revoker, stopId, stage);
    await resetStop(ledger.as('estop_control'), { stopId, actor: 'olga', reason: 'over' });
    // Its mint had been suspended all that time.
    const late = newId('grant');
    await ledger.sql(
      `INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end)
       SELECT $1, 'late', task_id, agent_id, agents, keys, epoch, 'c', 't', true, '{}', 'intended', clock_timestamp() FROM estop.tasks WHERE task_id = $2`,
      [late, task.taskId],
    );
    await openObligations(revoker, stopId);
    await openEndObligations(revoker);
    const open = (await listObligations(revoker, { agentId: agent.agentId, unfinished: true })).items;
    expect(open.map((one) => one.grantId)).toEqual([late]);
  });

  it('five thousand grants of one agent get their obligations in one pass', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    await ledger.sql(
      `INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end)
       SELECT 'many-' || t.task_id || n, 'n', task_id, agent_id, agents, keys, epoch, 'c', 't', false, '{}', 'issued', clock_timestamp() FROM estop.tasks t, generate_series(1, 5000) n
       WHERE t.task_id = $1`,
      [task.taskId],
    );
    const { stopId } = await stopAgent(ledger, agent);
    expect(await openObligations(ledger.as('estop_revoker'), stopId)).toBe(5_000);
    expect(await revocationState(ledger.as('estop_revoker'), stopId)).toMatchObject({ total: 5_000, uncovered: 0 });
  });
});
