import { beforeAll, expect } from 'vitest';
import {
  beginPhase,
  concludeObligation,
  endPhase,
  labelNeedsHuman,
  noteAttemptFailed,
  reopenObligation,
} from '../../src/store/lanes.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { type Ledger, makeLedger } from './ledger.ts';
import { cutAndProve, stopped } from './stopped-agent.ts';

onEveryPostgres('an attempt that failed', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });
  const ofLane = (obligationId: string, round = 0) => ({ obligationId, round, wasProved: false, pauseMs: 60_000 });

  guarded(
    () => ledger,
    'leaves a system alone for as long as it asked for, whoever begins, and no longer',
    async (l) => {
      const { lanes } = await stopped(l, 1);
      const lane = String(lanes[0]);
      const revoker = l.as('estop_revoker');
      const key = { obligationId: lane, phase: 'revoke-credential', round: 0 };
      const done = { ...key, phase: 'fence' };
      await beginPhase(revoker, done);
      await endPhase(revoker, done, { kind: 'done' });

      await noteAttemptFailed(revoker, { ...ofLane(lane), error: 'status 429', isPauseAsked: true });
      const putOff = await beginPhase(revoker, key);
      expect(putOff).toMatchObject({ kind: 'put-off' });
      expect(putOff.kind === 'put-off' && putOff.forMs).toBeGreaterThan(30_000);
      expect((await getObligation(revoker, lane))?.attempts).toBe(1);
      expect(await beginPhase(revoker, done)).toEqual({ kind: 'done', result: { kind: 'done' } });

      // The store's clock has gone back by an hour.
      await l.sql('UPDATE estop.obligations SET next_try_at = next_try_at + $2 WHERE obligation_id = $1', [
        lane,
        '1 hour',
      ]);
      const again = await beginPhase(revoker, key);
      expect(again.kind === 'put-off' && again.forMs).toBeLessThanOrEqual(60_000);
      const [ahead] = await l.sql(
        "SELECT next_try_at < clock_timestamp() + interval '61 s' AS soon FROM estop.obligations WHERE obligation_id = $1",
        [lane],
      );
      expect(ahead).toEqual({ soon: true });

      await l.sql('UPDATE estop.obligations SET next_try_at = clock_timestamp() WHERE obligation_id = $1', [lane]);
      expect(await beginPhase(revoker, key)).toMatchObject({ kind: 'begun', attempt: 1 });
      // A pause of our own is kept by whoever paused.
      await noteAttemptFailed(revoker, { ...ofLane(lane), error: 'no answer' });
      expect(await beginPhase(revoker, key)).toMatchObject({ kind: 'begun', attempt: 2 });
    },
    {
      what: 'the pause that was asked for',
      in: 'estop.begin_phase',
      find: 'IF lane.asked_pause_ms IS NOT NULL AND',
      put: 'IF false AND',
    },
    {
      what: 'what is done being answered',
      in: 'estop.begin_phase',
      find: /AND NOT EXISTS \(SELECT 1 FROM estop\.obligation_phases p\s+WHERE[^)]*\)/,
      put: '',
    },
    {
      what: 'a clock that has gone back',
      in: 'estop.begin_phase',
      find: 'least(lane.next_try_at, seen + make_interval(secs => lane.asked_pause_ms / 1000.0))',
      put: 'lane.next_try_at',
    },
    {
      what: 'whose pause it is',
      in: 'estop.note_attempt_failed',
      find: 'CASE WHEN p_pause_asked THEN p_pause_ms END',
      put: 'p_pause_ms',
    },
  );

  guarded(
    () => ledger,
    'says nothing of a lane that was proved or opened again meanwhile',
    async (l) => {
      const { lanes } = await stopped(l, 2);
      const [proved, reopened] = lanes.map(String);
      const revoker = l.as('estop_revoker');
      const labelOf = async (lane = '') => (await getObligation(revoker, lane))?.needsHuman;
      const failed = { error: 'refused (401)', needsHuman: 'refused (401)' };
      await cutAndProve(l, String(proved));
      await noteAttemptFailed(revoker, { ...ofLane(String(proved)), ...failed });
      expect(await labelOf(proved)).toBeUndefined();
      await reopenObligation(revoker, String(reopened), 0, 'found alive');
      await noteAttemptFailed(revoker, { ...ofLane(String(reopened)), ...failed });
      expect(await labelOf(reopened)).toBeUndefined();
      // Of these two it is said: a last probe, and an attempt of the round that is on.
      await noteAttemptFailed(revoker, { ...ofLane(String(proved)), ...failed, wasProved: true });
      await noteAttemptFailed(revoker, { ...ofLane(String(reopened), 1), ...failed });
      expect([await labelOf(proved), await labelOf(reopened)]).toEqual(['refused (401)', 'refused (401)']);
    },
    {
      what: 'that it was proved meanwhile',
      in: 'estop.note_attempt_failed',
      find: "AND (state IN ('proved', 'expired')) = p_was_proved",
      put: '',
    },
    { what: 'the round', in: 'estop.note_attempt_failed', find: 'AND round = p_round', put: '' },
  );

  guarded(
    () => ledger,
    'needs a person after a while, and so does a turn that never comes; what has its label keeps it',
    async (l) => {
      const { lanes } = await stopped(l, 6);
      const [failed = '', waiting = '', old = '', labelled = '', proved = '', busy = ''] = lanes;
      const revoker = l.as('estop_revoker');
      for (const lane of [failed, labelled, proved, busy])
        await noteAttemptFailed(revoker, { ...ofLane(lane), error: 'no answer' });
      await noteAttemptFailed(revoker, { ...ofLane(labelled), error: 'refused', needsHuman: 'refused' });
      await cutAndProve(l, proved);
      await l.sql(
        `UPDATE estop.obligations SET opened_at = opened_at - interval '11 minutes',
           last_error = CASE WHEN state = 'proved' THEN 'no answer' END WHERE obligation_id = ANY ($1)`,
        [[old, proved]],
      );
      const holding = await l.session();
      await holding.query('BEGIN');
      await holding.query('SELECT 1 FROM estop.obligations WHERE obligation_id = $1 FOR UPDATE', [busy]);
      const found = await labelNeedsHuman(revoker, lanes, 'not proved dead after 60 s', 600_000);
      await holding.query('ROLLBACK');
      expect(found.toSorted()).toEqual([failed, old].toSorted());
      const labels = await Promise.all(
        [failed, waiting, old, labelled, proved, busy].map(
          async (lane) => (await getObligation(revoker, lane))?.needsHuman,
        ),
      );
      const why = 'not proved dead after 60 s';
      expect(labels).toEqual([why, undefined, why, 'refused', undefined, undefined]);
      expect(await labelNeedsHuman(revoker, lanes, why, 600_000)).toEqual([busy]);
      expect((await getObligation(revoker, failed))?.lastError).toBe('no answer');
    },
    { what: 'that it is open', in: 'estop.label_needs_human', find: "AND x.state IN ('open', 'residual')", put: '' },
    { what: 'the label it has', in: 'estop.label_needs_human', find: 'AND x.needs_human IS NULL', put: '' },
    { what: 'that it has failed', in: 'estop.label_needs_human', find: 'x.last_error IS NOT NULL OR', put: '' },
    {
      what: 'how long it has waited',
      in: 'estop.label_needs_human',
      find: /OR x\.state = 'open' AND x\.opened_at < [^\n]*/,
      put: ')',
    },
  );

  guarded(
    () => ledger,
    'needs a person too where what is left of an access is watched, and cannot be seen; not while it can',
    async (l) => {
      const { lanes } = await stopped(l, 2);
      const [unseen = '', seen = ''] = lanes;
      const revoker = l.as('estop_revoker');
      const until = new Date(Date.now() + 1_000).toISOString();
      for (const lane of lanes)
        await concludeObligation(revoker, lane, 0, { kind: 'residual', until, why: 'valid until it expires' });
      await l.sql(
        "UPDATE estop.obligations SET opened_at = opened_at - interval '11 minutes' WHERE obligation_id = ANY ($1)",
        [lanes],
      );
      await noteAttemptFailed(revoker, { ...ofLane(unseen), error: 'the control is not allowed either' });
      expect(await labelNeedsHuman(revoker, lanes, 'not proved dead after 60 s', 600_000)).toEqual([unseen]);
      expect((await getObligation(revoker, seen))?.needsHuman).toBeUndefined();
      await concludeObligation(revoker, unseen, 0, { kind: 'proved', evidence: 'credential-probed' });
      expect((await getObligation(revoker, unseen))?.needsHuman).toBeUndefined();
    },
    { what: 'what is watched', in: 'estop.label_needs_human', find: "IN ('open', 'residual')", put: "= 'open'" },
    { what: 'that a watch may last', in: 'estop.label_needs_human', find: "OR x.state = 'open' AND", put: 'OR' },
  );

  guarded(
    () => ledger,
    'needs a person too where cut after cut is said to be done and it lives on',
    async (l) => {
      const { lanes } = await stopped(l, 2);
      const [lying = '', young = ''] = lanes;
      const revoker = l.as('estop_revoker');
      await l.sql(
        "UPDATE estop.obligations SET opened_at = opened_at - interval '2 minutes' WHERE obligation_id = $1",
        [lying],
      );
      const labels = async () =>
        Promise.all(lanes.map(async (lane) => (await getObligation(revoker, lane))?.needsHuman));
      for (const round of [0, 1]) for (const lane of lanes) await reopenObligation(revoker, lane, round, 'status 200');
      expect(await labels()).toEqual([undefined, undefined]);
      for (const lane of [lying, young]) await reopenObligation(revoker, lane, 2, 'status 200');
      expect(await labels()).toEqual(['still alive although it was cut 3 times', undefined]);
      await reopenObligation(revoker, lying, 3, 'status 200');
      expect(await labels()).toEqual(['still alive although it was cut 3 times', undefined]);
    },
    { what: 'that it was cut in vain', in: 'estop.reopen_obligation', find: 'o.round >= 2 AND', put: '' },
    {
      what: 'for how long',
      in: 'estop.reopen_obligation',
      find: " AND o.opened_at < clock_timestamp() - interval '60 s'",
      put: '',
    },
    {
      what: 'the label it has',
      in: 'estop.reopen_obligation',
      find: 'coalesce(o.needs_human, ',
      put: 'coalesce(NULL, ',
    },
    {
      what: 'that people hear of it',
      in: 'estop.reopen_obligation',
      find: 'CASE WHEN o.round',
      put: 'CASE WHEN false AND o.round',
    },
  );
});
