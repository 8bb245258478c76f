import { beforeAll, expect } from 'vitest';
import { labelNeedsHuman, noteAttemptFailed } from '../../src/store/lanes.ts';
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
  guarded(
    () => ledger,
    'needs a person after a while, and so does a turn that never comes; what has its label keeps it',
    async (l) => {
      const { lanes } = await stopped(l, 6);
      const [failed = '', waiting = '', old = '', labelled = '', proved = '', busy = ''] = lanes;
      const revoker = l.as('estop_revoker');
      for (const lane of [failed, labelled, proved, busy])
        await noteAttemptFailed(revoker, { obligationId: lane, error: 'no answer' });
      await noteAttemptFailed(revoker, { obligationId: labelled, error: 'refused', needsHuman: 'refused' });
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
        [failed, waiting, old, labelled, proved, busy].map(async (lane) => (await getObligation(revoker, lane))?.needsHuman),
      );
      const why = 'not proved dead after 60 s';
      expect(labels).toEqual([why, undefined, why, 'refused', undefined, undefined]);
      expect(await labelNeedsHuman(revoker, lanes, why, 600_000)).toEqual([busy]);
      expect((await getObligation(revoker, failed))?.lastError).toBe('no answer');
    },
    { what: 'that it is open', in: 'estop.label_needs_human', find: "AND x.state = 'open'", put: '' },
    { what: 'the label it has', in: 'estop.label_needs_human', find: 'AND x.needs_human IS NULL', put: '' },
    { what: 'that it has failed', in: 'estop.label_needs_human', find: 'x.last_error IS NOT NULL OR', put: '' },
    { what: 'how long it has waited', in: 'estop.label_needs_human', find: /OR x\.opened_at < [^\n]*/, put: ')' },
  );
});
