import { beforeAll, expect } from 'vitest';
import { noteDecoded } from '../../src/store/audit.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { type Ledger, makeLedger, newName } from './ledger.ts';

onEveryPostgres('a reading of histories that is in the audit', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'cannot be made less by whoever may add to it',
    async (l) => {
      const control = l.as('estop_control');
      const [actor, subject, facts] = [newName('person'), 'namespace:estop-agents', { from: 'command line' }];
      await noteDecoded(control, { actor, subject, facts, payloads: 5, opened: 4 });
      const less: readonly (readonly [number | null, number | null])[] = [
        [-5, 0],
        [0, -4],
        [null, 0],
        [0, null],
      ];
      for (const [payloads, opened] of less) {
        const values = [actor, subject, JSON.stringify(facts), payloads, opened];
        await control.query('SELECT estop.note_decoded($1, $2, $3, $4, $5)', values).catch(() => undefined);
      }
      expect(await l.sql('SELECT detail FROM estop.audit WHERE actor = $1', [actor])).toMatchObject([
        { detail: { payloads: 5, opened: 4, requests: 1 } },
      ]);
    },
    {
      what: 'that sums only grow',
      in: 'estop.note_decoded',
      find: '(p_payloads >= 0 AND p_opened >= 0) IS NOT TRUE',
      put: 'false',
    },
  );
});
