import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mintSecret, secretHash } from '../../src/control/sign-in/sign-in-cookie.ts';
import { errorCodeOf } from '../../src/core/errors.ts';
import { formatId } from '../../src/core/ids.ts';
import { watchKnownOperators } from '../../src/stop/known-operators.ts';
import { refuseOutOfScope, whoStops } from '../../src/stop/who-stops.ts';
import { askElevation } from '../../src/store/elevations.ts';
import { beginSignIn } from '../../src/store/sign-ins.ts';
import { createDatabase } from '../kit/postgres.ts';
import { recordingLog } from '../revocation/rig.ts';
import { agentSpec, type Ledger, makeLedger, putAgents } from '../store/ledger.ts';
import { relayTo } from './store-relay.ts';

const environment = 'test';
const mint = (kind: 'sign' | 'person' | 'elev'): string => formatId(kind, environment, randomBytes(16));

async function signIn(ledger: Ledger, name: string, mandates: readonly object[]) {
  const [secret, personId] = [mintSecret(), mint('person')];
  const made = { signInId: mint('sign'), personId, secretHash: secretHash(secret), agent: '', method: 'oidc' } as const;
  const whose = { issuer: 'https://id.example.org', subject: name, name, person: name, groups: [], mandates };
  await beginSignIn(ledger.as('estop_control'), whose, { ...made, idleMs: 3_600_000, lifeMs: 7_200_000 });
  return { personId, cookie: `estop-${environment}-sign-in=${secret}` };
}

describe('who may stop, as the stop process remembers it', () => {
  it('a role that was taken for a while ends with its time also where the store cannot say so, and what is theirs anyway stays', async () => {
    const ledger = await makeLedger(createDatabase);
    await putAgents(ledger, [agentSpec('payer', { labels: { team: 'payments' } })]);
    const lin = await signIn(ledger, 'lin', [{ role: 'operator', labels: { team: 'payments' } }]);
    const eve = await signIn(ledger, 'eve', [{ role: 'viewer' }]);
    for (const { personId } of [lin, eve])
      await askElevation(ledger.as('estop_control'), {
        elevationId: mint('elev'),
        personId,
        role: 'operator',
        reason: 'the pager rang',
        lifeMs: 1_800_000,
        rule: 'review',
      });
    let ahead = 0;
    const away = await relayTo(ledger.urls.estop_stop);
    const { log } = recordingLog();
    const now = () => performance.now() + ahead;
    const known = watchKnownOperators({ databaseUrl: away.url, processName: 'test', log, now });
    const proofs = { sign: () => '', verify: () => undefined };
    const may = ({ cookie }: { readonly cookie: string }, scopeKey: string): string => {
      try {
        const stopper = whoStops(
          { cookie },
          {
            environment,
            authenticator: { authenticate: () => ({ ok: false, code: 'unauthenticated' }) },
            known,
            proofs,
          },
        );
        refuseOutOfScope(stopper, scopeKey);
        return stopper.actor;
      } catch (thrown) {
        return String(errorCodeOf(thrown));
      }
    };
    try {
      await expect.poll(() => known.age(), { timeout: 10_000 }).toBeDefined();
      away.cut();
      // Whatever the clocks of two hosts say: a while is as long here as it is there.
      expect(may(lin, 'fleet')).toMatch(/^lin \(elevated, elev_/);
      expect(may(eve, 'fleet')).toMatch(/^eve \(elevated, elev_/);
      ahead = 1_801_000;
      expect([may(lin, 'fleet'), may(lin, 'agent:payer'), may(eve, 'agent:payer')]).toEqual([
        'forbidden',
        'lin',
        'unauthenticated',
      ]);
    } finally {
      await known.close();
      await away.close();
    }
  });

  it('whoever shows made-up secrets, as fast as can be, makes the store answer twenty of them a second', async () => {
    const ledger = await makeLedger(createDatabase);
    const sal = await signIn(ledger, 'sal', [{ role: 'viewer' }]);
    const shown = Buffer.from(secretHash(sal.cookie.split('=')[1] ?? '')).toString('hex');
    let ahead = 0;
    const now = (): number => ahead;
    const known = watchKnownOperators({
      databaseUrl: ledger.urls.estop_stop,
      processName: 'test',
      log: recordingLog().log,
      now,
    });
    try {
      await expect.poll(() => known.age(), { timeout: 10_000 }).toBeDefined();
      for (const second of [1, 2]) {
        ahead = second * 1_000;
        for (let made = 0; made < 19; made += 1)
          expect(await known.ofUnknown(randomBytes(32).toString('hex'))).toBeUndefined();
        expect(await known.ofUnknown(shown)).toBeDefined();
        expect(await known.ofUnknown(shown)).toBeUndefined();
      }
    } finally {
      await known.close();
    }
  });
});
