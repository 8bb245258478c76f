import { randomBytes } from 'node:crypto';
import { beforeAll, expect } from 'vitest';
import { apiTokenOf, makeApiToken, revokeApiToken } from '../../src/store/api-tokens.ts';
import { askElevation, grantElevation, reviewElevation } from '../../src/store/elevations.ts';
import { makeLoginLink, redeemLoginLink } from '../../src/store/login-links.ts';
import { disablePerson } from '../../src/store/people.ts';
import { beginAttempt, beginSignIn, endSignIn, endSignInsOf, signInOf, takeAttempt } from '../../src/store/sign-ins.ts';
import { stopRights } from '../../src/store/stop-rights.ts';
import { createDatabase } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { type Ledger, makeLedger, newId, newName } from './ledger.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await makeLedger(createDatabase);
});
const issuer = 'https://id.example.org';
const secretOf = (): Uint8Array => randomBytes(32);
const times = { agent: '', idleMs: 3_600_000, lifeMs: 7_200_000 };

interface SignedIn {
  readonly name: string;
  readonly personId: string;
  readonly signInId: string;
  readonly secretHash: Uint8Array;
  readonly issuerSid: string;
}

async function signIn(
  l: Ledger,
  changes: { readonly name?: string; readonly mandates?: unknown } = {},
): Promise<SignedIn> {
  const { name = newName('person'), mandates = [{ role: 'operator' }] } = changes;
  const made = {
    signInId: newId('sign'),
    personId: newId('person'),
    secretHash: secretOf(),
    issuerSid: newName('sid'),
  };
  const whose = { issuer, subject: name, name, person: name, groups: [], mandates };
  const outcome = await beginSignIn(l.as('estop_control'), whose, { ...times, ...made, method: 'oidc' });
  if (outcome !== 'begun') throw new Error(outcome);
  return { ...made, name };
}
const isIn = async (l: Ledger, { secretHash }: SignedIn) =>
  (await signInOf(l.as('estop_control'), secretHash)) !== undefined;
const mayStop = async (l: Ledger, { signInId }: SignedIn) =>
  (await stopRights(l.as('estop_stop'))).some(({ id }) => id === signInId);

guarded(
  () => ledger,
  'a secret stands for somebody until the sign-in is ended, idle, over, or theirs no more',
  async (l) => {
    const ends: readonly ((who: SignedIn) => Promise<unknown>)[] = [
      ({ signInId, name }) => endSignIn(l.as('estop_control'), signInId, name),
      ({ signInId }) =>
        l.sql("UPDATE estop.sign_ins SET seen_at = seen_at - interval '1 hour' WHERE sign_in_id = $1", [signInId]),
      ({ signInId }) =>
        l.sql('UPDATE estop.sign_ins SET ends_at = clock_timestamp() WHERE sign_in_id = $1', [signInId]),
      ({ personId }) =>
        l.sql('UPDATE estop.people SET disabled_at = clock_timestamp() WHERE person_id = $1', [personId]),
    ];
    for (const end of ends) {
      const who = await signIn(l);
      expect([await isIn(l, who), await mayStop(l, who)]).toEqual([true, true]);
      await end(who);
      expect([await isIn(l, who), await mayStop(l, who)]).toEqual([false, false]);
    }
  },
  { what: 'its end by somebody', in: 'estop.sign_in_of', find: 'AND s.ended_at IS NULL AND', put: 'AND' },
  { what: 'its end by time', in: 'estop.sign_in_of', find: 'AND s.ends_at > moment', put: '' },
  {
    what: 'its idle end',
    in: 'estop.sign_in_of',
    find: 'AND s.seen_at + make_interval(secs => s.idle_ms / 1000.0) > moment',
    put: '',
  },
  { what: 'who is disabled', in: 'estop.sign_in_of', find: 'AND p.disabled_at IS NULL', put: '' },
  { what: 'an end, for stops', in: 'estop.stop_rights', find: 's.ended_at IS NULL AND', put: '' },
  { what: 'the time, for stops', in: 'estop.stop_rights', find: 'AND s.ends_at > moment', put: '' },
  {
    what: 'idleness, for stops',
    in: 'estop.stop_rights',
    find: 'AND s.seen_at + make_interval(secs => s.idle_ms / 1000.0) > moment',
    put: '',
  },
  {
    what: 'who is disabled, for stops',
    in: 'estop.stop_rights',
    find: 'AND p.disabled_at IS NULL AND (r',
    put: 'AND (r',
  },
);

guarded(
  () => ledger,
  'whoever is disabled is not let in, by provider or by link, and nothing of theirs goes on',
  async (l) => {
    const control = l.as('estop_control');
    const who = await signIn(l);
    await disablePerson(control, who.personId, true, 'ada');
    await disablePerson(control, who.personId, false, 'ada');
    expect(await isIn(l, who)).toBe(false);
    await disablePerson(control, who.personId, true, 'ada');
    const again = { ...times, signInId: newId('sign'), personId: newId('person'), secretHash: secretOf() };
    const whose = { issuer, subject: who.name, name: who.name, person: who.name, groups: [], mandates: [] };
    expect(await beginSignIn(control, whose, { ...again, method: 'oidc' })).toBe('disabled');
  },
  { what: 'those who are disabled', in: 'estop.begin_sign_in', find: 'known.disabled_at IS NOT NULL', put: 'false' },
  {
    what: 'what they have open',
    in: 'estop.disable_person',
    find: 'WHERE s.person_id = p_person_id',
    put: 'WHERE false',
  },
);

guarded(
  () => ledger,
  'a link signs one browser in, once, in its time',
  async (l) => {
    const control = l.as('estop_control');
    const link = async (lifeMs: number) => {
      const codeHash = secretOf();
      await makeLoginLink(control, { codeHash, name: 'olga', person: 'olga', mandates: [], basis: secretOf(), lifeMs });
      return codeHash;
    };
    const redeem = (codeHash: Uint8Array) =>
      redeemLoginLink(control, codeHash, {
        ...times,
        signInId: newId('sign'),
        personId: newId('person'),
        secretHash: secretOf(),
      });
    const code = await link(60_000);
    expect([await redeem(code), await redeem(code), await redeem(await link(0))]).toEqual(['begun', 'over', 'over']);
  },
  { what: 'that it was used', in: 'estop.redeem_login_link', find: 'AND l.used_at IS NULL', put: '' },
  { what: 'its time', in: 'estop.redeem_login_link', find: 'AND l.expires_at > clock_timestamp()', put: '' },
);

guarded(
  () => ledger,
  'what was begun with a provider is finished once, in its time, by the browser that began',
  async (l) => {
    const control = l.as('estop_control');
    const begin = async (lifeMs: number) => {
      const attempt = { stateHash: secretOf(), browserHash: secretOf() };
      await beginAttempt(control, { ...attempt, nonce: 'n', verifier: 'v', next: '/', lifeMs });
      return attempt;
    };
    const { stateHash, browserHash } = await begin(60_000);
    expect(await takeAttempt(control, stateHash, secretOf())).toBeUndefined();
    expect(await takeAttempt(control, stateHash, browserHash)).toMatchObject({ nonce: 'n' });
    expect(await takeAttempt(control, stateHash, browserHash)).toBeUndefined();
    const over = await begin(0);
    expect(await takeAttempt(control, over.stateHash, over.browserHash)).toBeUndefined();
  },
  { what: 'which browser', in: 'estop.take_attempt', find: 'AND a.browser_hash = p_browser_hash', put: '' },
  { what: 'its time', in: 'estop.take_attempt', find: 'AND a.expires_at > clock_timestamp()', put: '' },
);

guarded(
  () => ledger,
  'a sign-out at the provider ends what it names, and one that names nobody ends nothing',
  async (l) => {
    const control = l.as('estop_control');
    const [one, other] = [await signIn(l), await signIn(l)];
    const same = await signIn(l, { name: one.name });
    const end = (which: Parameters<typeof endSignInsOf>[2], by = issuer, hash = secretOf()) =>
      endSignInsOf(control, by, which, { hash, memoryMs: 60_000 });
    expect(await end({})).toBe(0);
    expect(await end({ subject: one.name }, 'https://other.example')).toBe(0);
    expect(await end({ subject: one.name, issuerSid: one.issuerSid })).toBe(1);
    expect([await isIn(l, one), await isIn(l, same), await isIn(l, other)]).toEqual([false, true, true]);
    expect(await end({ subject: one.name })).toBe(1);
    // Another issuer may call its words the same; nobody else may say one again; and what nobody would believe any more is forgotten.
    const back = await signIn(l, { name: one.name });
    const word = secretOf();
    const again = { subject: one.name };
    expect([await end(again, 'https://other.example', word), await end(again, issuer, word)]).toEqual([0, 1]);
    expect(await isIn(l, back)).toBe(false);
    await signIn(l, { name: one.name });
    expect(await end(again, issuer, word)).toBeUndefined();
    await l.sql('UPDATE estop.sign_out_words SET until = clock_timestamp()');
    expect(await end({ subject: other.name })).toBe(1);
    expect(await l.sql('SELECT 1 FROM estop.sign_out_words')).toHaveLength(1);
  },
  {
    what: 'that it names somebody',
    in: 'estop.end_sign_ins_of',
    find: 'AND NOT (p_subject IS NULL AND p_issuer_sid IS NULL)',
    put: '',
  },
  { what: 'that it is new', in: 'estop.end_sign_ins_of', find: 'IF NOT FOUND THEN RETURN NULL; END IF;', put: '' },
  { what: 'whose issuer', in: 'estop.end_sign_ins_of', find: 'AND p.issuer = p_issuer', put: '' },
  {
    what: 'which session',
    in: 'estop.end_sign_ins_of',
    find: 'AND (p_issuer_sid IS NULL OR s.issuer_sid = p_issuer_sid)',
    put: '',
  },
);

guarded(
  () => ledger,
  'a token ends when it is revoked, at its date, and with whoever made it',
  async (l) => {
    const control = l.as('estop_control');
    const make = async (owner: SignedIn, lifeMs = 60_000) => {
      const [tokenId, tokenHash] = [newId('api'), secretOf()];
      const whose = { name: 'x', person: owner.name, owner: owner.personId, actor: owner.name };
      await makeApiToken(control, { ...whose, tokenId, tokenHash, mandates: [{ role: 'operator' }], lifeMs });
      return { tokenId, tokenHash };
    };
    const stands = async ({ tokenId, tokenHash }: { readonly tokenId: string; readonly tokenHash: Uint8Array }) => [
      (await apiTokenOf(control, tokenHash)) !== undefined,
      (await stopRights(l.as('estop_stop'))).some(({ id }) => id === tokenId),
    ];
    const owner = await signIn(l);
    const token = await make(owner);
    expect(await stands(token)).toEqual([true, true]);
    expect(await stands(await make(owner, 0))).toEqual([false, false]);
    await revokeApiToken(control, token.tokenId, { actor: 'ada' });
    expect(await stands(token)).toEqual([false, false]);
    const last = await make(owner);
    await disablePerson(control, owner.personId, true, 'ada');
    expect(await stands(last)).toEqual([false, false]);
  },
  { what: 'that it was revoked', in: 'estop.api_token_of', find: 'AND t.revoked_at IS NULL', put: '' },
  { what: 'its date', in: 'estop.api_token_of', find: 'AND t.expires_at > moment', put: '' },
  { what: 'its maker', in: 'estop.api_token_of', find: 'AND NOT EXISTS (', put: 'AND true OR EXISTS (' },
  { what: 'that it was revoked, for stops', in: 'estop.stop_rights', find: 't.revoked_at IS NULL AND', put: '' },
  { what: 'its date, for stops', in: 'estop.stop_rights', find: 'AND t.expires_at > moment', put: '' },
);

guarded(
  () => ledger,
  'an elevation is begun and reviewed by somebody else, and begun within a quarter of an hour',
  async (l) => {
    const control = l.as('estop_control');
    const { personId, name } = await signIn(l, { mandates: [] });
    const ask = async (who = personId) => {
      const elevationId = newId('elev');
      await askElevation(control, {
        elevationId,
        personId: who,
        role: 'operator',
        reason: 'x',
        lifeMs: 60_000,
        rule: 'second-person',
      });
      return elevationId;
    };
    const id = await ask();
    const grant = (elevationId: string, names: readonly string[]) =>
      grantElevation(control, elevationId, { names, actor: 'somebody' });
    const review = (names: readonly string[]) =>
      reviewElevation(control, id, { names, actor: 'somebody', verdict: 'justified', note: 'looked' });
    expect(await grant(id, ['other', name])).toBe('same-person');
    expect(await grant(id, ['other'])).toBe('active');
    expect(await review(['other'])).toBe('active');
    await l.sql('UPDATE estop.elevations SET ends_at = clock_timestamp() WHERE elevation_id = $1', [id]);
    expect(await review(['other', name])).toBe('same-person');
    expect([await review(['other']), await review(['third'])]).toEqual(['done', 'closed']);
    const late = await ask((await signIn(l, { mandates: [] })).personId);
    await l.sql("UPDATE estop.elevations SET asked_at = asked_at - interval '15 minutes' WHERE elevation_id = $1", [
      late,
    ]);
    expect(await grant(late, ['other'])).toBe('closed');
  },
  { what: 'the second person', in: 'estop.grant_elevation', find: /IF lower.*same-person'; END IF;/, put: '' },
  {
    what: 'the quarter of an hour',
    in: 'estop.grant_elevation',
    find: /OR held.asked_at <= moment - interval '15 minutes'/,
    put: '',
  },
  { what: 'who reviews', in: 'estop.review_elevation', find: /IF lower.*same-person'; END IF;/, put: '' },
  {
    what: 'that it is over',
    in: 'estop.review_elevation',
    find: /IF held.ended_at IS NULL .*RETURN 'active'; END IF;/,
    put: '',
  },
  { what: 'that it was signed', in: 'estop.review_elevation', find: 'held.reviewed_at IS NOT NULL OR', put: '' },
);
