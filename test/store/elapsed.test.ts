import { randomBytes } from 'node:crypto';
import { beforeAll, expect } from 'vitest';
import { taskKey } from '../../src/core/scope-key.ts';
import { apiTokenOf, makeApiToken } from '../../src/store/api-tokens.ts';
import { askElevation, getElevation, grantElevation } from '../../src/store/elevations.ts';
import { noteElapsed } from '../../src/store/fence.ts';
import { handOver } from '../../src/store/grants.ts';
import { makeLoginLink, redeemLoginLink } from '../../src/store/login-links.ts';
import { openEndObligations } from '../../src/store/obligations.ts';
import { beginAttempt, beginSignIn, signInOf, takeAttempt } from '../../src/store/sign-ins.ts';
import { resetStop } from '../../src/store/stops.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { issued } from './intent.ts';
import { addAgent, fence, type Ledger, makeLedger, newId, newName, startTask, stop } from './ledger.ts';

const times = { agent: '', idleMs: 3_600_000, lifeMs: 7_200_000 };
const secretOf = (): Uint8Array => randomBytes(32);

/** What the ledger holds of times, as a clock sees it that went on, or was set back, by so much. */
async function step(l: Ledger, by: string): Promise<void> {
  const shift = (table: string, ...columns: readonly string[]) =>
    l.sql(`UPDATE estop.${table} SET ${columns.map((one) => `${one} = ${one} - interval '${by}'`).join(', ')}`);
  await shift('elevations', 'asked_at', 'granted_at', 'ends_at');
  await shift('sign_ins', 'made_at', 'seen_at', 'ends_at');
  await shift('api_tokens', 'made_at', 'expires_at');
  await shift('login_links', 'expires_at');
  await shift('sign_in_attempts', 'expires_at');
  await shift('reset_consents', 'at');
}

onEveryPostgres('what was seen to be over, and whose clock is set back then,', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  const signedIn = async (l: Ledger, lifeMs = times.lifeMs) => {
    const made = {
      signInId: newId('sign'),
      personId: newId('person'),
      secretHash: secretOf(),
      issuerSid: newName('sid'),
    };
    const name = newName('person');
    const whose = { issuer: 'https://id.example.org', subject: name, name, person: name, groups: [], mandates: [] };
    expect(await beginSignIn(l.as('estop_control'), whose, { ...times, ...made, lifeMs, method: 'oidc' })).toBe(
      'begun',
    );
    return { ...made, name, is: () => signInOf(l.as('estop_control'), made.secretHash) };
  };
  const elevated = async (l: Ledger, personId: string, lifeMs: number) => {
    const elevationId = newId('elev');
    const asked = { elevationId, personId, role: 'admin', reason: 'x', lifeMs, rule: 'review' } as const;
    expect(await askElevation(l.as('estop_control'), asked)).toBe('active');
    return elevationId;
  };
  const seenOver = async (l: Ledger, by: string): Promise<void> => {
    await step(l, by);
    expect(await noteElapsed(l.as('estop_revoker'))).toBeGreaterThan(0);
    await step(l, `-${by}`);
  };

  guarded(
    () => ledger,
    'is no role for a while any more, and is owed its review',
    async (l) => {
      const who = await signedIn(l, 20 * 86_400_000);
      await l.sql('UPDATE estop.sign_ins SET idle_ms = $2 WHERE sign_in_id = $1', [who.signInId, 20 * 86_400_000]);
      const elevationId = await elevated(l, who.personId, 900_000);
      expect((await who.is())?.elevation?.role).toBe('admin');
      await seenOver(l, '20 minutes');
      expect((await who.is())?.elevation).toBeUndefined();
      expect((await getElevation(l.as('estop_control'), elevationId))?.state).toBe('to-review');
      // Another may begin.
      await elevated(l, who.personId, 900_000);
      expect((await who.is())?.elevation?.role).toBe('admin');
    },
    { what: 'what was seen', in: 'estop.sign_in_of', find: 'AND x.elapsed_at IS NULL', put: '' },
    {
      what: 'writing it down',
      in: 'estop.note_elapsed',
      find: 'UPDATE estop.elevations e SET elapsed_at = moment',
      put: 'UPDATE estop.elevations e SET elapsed_at = NULL',
    },
    { what: 'that another may begin', in: 'estop.ask_elevation', find: 'AND e.elapsed_at IS NULL', put: '' },
  );

  guarded(
    () => ledger,
    'is no role that begins later than now',
    async (l) => {
      const who = await signedIn(l);
      await elevated(l, who.personId, 900_000);
      await l.sql(`UPDATE estop.elevations SET granted_at = granted_at + interval '1 minute' WHERE person_id = $1`, [
        who.personId,
      ]);
      expect((await who.is())?.elevation).toBeUndefined();
    },
    { what: 'the future', in: 'estop.sign_in_of', find: 'AND x.granted_at <= moment', put: '' },
  );

  guarded(
    () => ledger,
    'is no role that a second person could still grant',
    async (l) => {
      const who = await signedIn(l);
      const elevationId = newId('elev');
      const asked = { elevationId, personId: who.personId, role: 'admin', reason: 'x', lifeMs: 900_000 };
      await askElevation(l.as('estop_control'), { ...asked, rule: 'second-person' });
      await seenOver(l, '16 minutes');
      const grant = await grantElevation(l.as('estop_control'), elevationId, { names: ['other'], actor: 'other' });
      expect(grant).toBe('closed');
    },
    { what: 'what was seen', in: 'estop.grant_elevation', find: 'OR held.elapsed_at IS NOT NULL', put: '' },
  );

  guarded(
    () => ledger,
    'lets nobody in: a sign-in, a token, a link, an answer of a provider',
    async (l) => {
      const control = l.as('estop_control');
      const who = await signedIn(l);
      const idle = await signedIn(l, 20 * 86_400_000);
      const [tokenHash, codeHash, stateHash, browserHash] = [secretOf(), secretOf(), secretOf(), secretOf()];
      const token = {
        tokenId: newId('tok'),
        tokenHash,
        name: newName('t'),
        person: who.name,
        mandates: [],
        actor: 'ada',
      };
      await makeApiToken(control, { ...token, lifeMs: 7_200_000 });
      const link = { codeHash, name: newName('x'), person: 'x', mandates: [], basis: secretOf(), lifeMs: 600_000 };
      await makeLoginLink(control, link);
      await beginAttempt(control, { stateHash, browserHash, nonce: 'n', verifier: 'v', next: '/', lifeMs: 600_000 });
      expect([await who.is(), await idle.is(), await apiTokenOf(control, tokenHash)]).not.toContain(undefined);
      await seenOver(l, '3 hours');
      const made = { signInId: newId('sign'), personId: newId('person'), secretHash: secretOf(), ...times };
      expect([
        await who.is(),
        await idle.is(),
        await apiTokenOf(control, tokenHash),
        await redeemLoginLink(control, codeHash, made),
        await takeAttempt(control, stateHash, browserHash),
      ]).toEqual([undefined, undefined, undefined, 'over', undefined]);
    },
    { what: 'sign-ins', in: 'estop.sign_in_of', find: 'AND s.elapsed_at IS NULL', put: '' },
    { what: 'tokens', in: 'estop.api_token_of', find: 'AND t.elapsed_at IS NULL', put: '' },
    { what: 'links', in: 'estop.redeem_login_link', find: 'AND l.elapsed_at IS NULL', put: '' },
    {
      what: 'answers',
      in: 'estop.note_elapsed',
      find: 'DELETE FROM estop.sign_in_attempts a WHERE',
      put: 'DELETE FROM estop.sign_in_attempts a WHERE false AND',
    },
  );

  guarded(
    () => ledger,
    'resets no fleet with a second person: nor does a word of the future',
    async (l) => {
      const { stopId } = await stop(l, 'fleet');
      try {
        await fence(l, stopId);
        const reset = async (actor: string) =>
          (await resetStop(l.as('estop_control'), { stopId, actor, reason: 'over' })).kind;
        expect(await reset('olga')).toBe('needs-second-person');
        await seenOver(l, '16 minutes');
        expect(await reset('sam')).toBe('needs-second-person');
        await step(l, '-1 minute');
        expect(await reset('anna')).toBe('needs-second-person');
        // Said again, it counts.
        expect(await reset('olga')).toBe('reset');
      } finally {
        await l.sql(`DELETE FROM estop.stops WHERE scope_key = 'fleet'`);
      }
    },
    { what: 'what was seen', in: 'estop.reset', find: 'AND c.elapsed_at IS NULL', put: '' },
    { what: 'the future', in: 'estop.reset', find: 'AND c.at <= clock_timestamp()', put: '' },
  );

  guarded(
    () => ledger,
    'is no grant that is handed over: it is being ended',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      const grantId = await issued(l, task);
      const ask = async () => (await handOver(l.as('estop_gateway'), task.taskId, 'db', task.epoch)).kind;
      const move = (by: string) =>
        l.sql(`UPDATE estop.grants SET absolute_end = absolute_end - interval '${by}' WHERE grant_id = $1`, [grantId]);
      expect(await ask()).toBe('handed-over');
      await move('1 hour');
      expect(await openEndObligations(l.as('estop_revoker'))).toBe(1);
      await move('-1 hour');
      expect(await ask()).toBe('none');
      // Another, that lives, is; of what a stop kills is told that it does.
      await issued(l, task);
      expect(await ask()).toBe('handed-over');
      await stop(l, taskKey(task.taskId));
      expect(await ask()).toBe('stopped');
    },
    { what: 'what is being ended', in: 'estop.hand_over', find: "WHEN f.ending THEN 'ending'", put: '' },
    {
      what: 'that another lives',
      in: 'estop.hand_over',
      find: 'ORDER BY ending, g.issued_at DESC',
      put: 'ORDER BY g.issued_at',
    },
  );
});
