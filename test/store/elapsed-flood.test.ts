import { beforeAll, expect } from 'vitest';
import { noteElapsed } from '../../src/store/fence.ts';
import { tidyRound } from '../../src/workers/relay/ledger-round.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded, sabotaged } from './guarded.ts';
import { type Ledger, makeLedger } from './ledger.ts';

onEveryPostgres('the look at what is over', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'takes as much as a second has room for, and the rest in the next',
    async (l) => {
      await l.sql('DELETE FROM estop.sign_in_attempts');
      await l.sql(`INSERT INTO estop.sign_in_attempts (state_hash, browser_hash, nonce, verifier, next, expires_at)
        SELECT decode(lpad(to_hex(n), 8, '0'), 'hex'), '\\x00', '', '', '/', clock_timestamp() - interval '1 minute' FROM generate_series(1, 6000) n`);
      const left = async () => Number((await l.sql('SELECT count(*)::int AS n FROM estop.sign_in_attempts'))[0]?.['n']);
      await noteElapsed(l.as('estop_revoker'));
      expect(await left()).toBe(1_000);
      await noteElapsed(l.as('estop_revoker'));
      expect(await left()).toBe(0);
    },
    { what: 'the limit', in: 'estop.note_elapsed', find: /LIMIT most/g, put: '' },
  );

  guarded(
    () => ledger,
    'holds up nothing else that the relay tidies up',
    async (l) => {
      await sabotaged(
        l,
        { what: 'it', in: 'estop.note_elapsed', find: 'RETURN noted', put: "RAISE EXCEPTION 'it fails'" },
        async () => {
          expect(await tidyRound(l.as('estop_revoker')).run()).toBeGreaterThan(0);
        },
      );
    },
  );
});
