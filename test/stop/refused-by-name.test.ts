import { randomBytes } from 'node:crypto';
import { beforeAll, expect, inject, it } from 'vitest';
import { mintSecret, secretHash } from '../../src/control/sign-in/sign-in-cookie.ts';
import { formatId } from '../../src/core/ids.ts';
import { makeApiToken, revokeApiToken } from '../../src/store/api-tokens.ts';
import { auditTrail } from '../../src/store/audit-trail.ts';
import { disablePerson } from '../../src/store/people.ts';
import { beginSignIn, endSignIn } from '../../src/store/sign-ins.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';
import { type StopProcess, startStopProcess } from './stop-process.ts';

/** Of its own, so that what is left in an intake is nobody else's. */
const environment = 'byname';
const mint = (kind: 'sign' | 'person' | 'api' | 'stop'): string => formatId(kind, environment, randomBytes(16));
const here = /^(::ffff:)?127\.0\.0\.1/;

requires('temporal')('whoever stops nothing, at the stop process, and is no stranger', () => {
  let ledger: Ledger;
  let stops: StopProcess;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
    stops = await startStopProcess(ledger.urls.estop_stop, inject('temporalAddress'), environment);
  });
  async function signIn(name: string) {
    const [secret, signInId, personId] = [mintSecret(), mint('sign'), mint('person')];
    const times = { agent: '', idleMs: 3_600_000, lifeMs: 7_200_000 };
    await beginSignIn(
      ledger.as('estop_control'),
      {
        issuer: 'https://id.example.org',
        subject: name,
        name,
        person: name,
        groups: [],
        mandates: [{ role: 'viewer' }],
      },
      { signInId, personId, ...times, secretHash: secretHash(secret), method: 'oidc' },
    );
    return { signInId, personId, cookie: `estop-${environment}-sign-in=${secret}` };
  }
  async function makeToken(name: string, role: string) {
    const [token, tokenId] = [`estop_${environment}_${mintSecret()}`, mint('api')];
    const whose = { name, person: name, mandates: [{ role }], actor: 'ada', lifeMs: 60_000 };
    await makeApiToken(ledger.as('estop_control'), { ...whose, tokenId, tokenHash: secretHash(token) });
    return { token, tokenId, authorization: `Bearer ${token}` };
  }
  const stop = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
    const response = await fetch(`${stops.server.url}/v1/stops`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ scopeKey: 'fleet', stopId: mint('stop') }),
    });
    return [response.status, Reflect.get(Object(await response.json()), 'code')];
  };
  const audited = async () => {
    const { items } = await auditTrail(ledger.as('estop_control'), { kind: 'attempt.refused' }, 200);
    const lines = items.map(({ actor, subject, detail }) =>
      [actor, subject, detail['because'], detail['shown'] ?? '', detail['name'] ?? '']
        .join(' | ')
        .replace(here, 'here'),
    );
    // Those of two minutes are two.
    return [...new Set(lines)].toSorted((one, other) => one.localeCompare(other));
  };

  it('stands in the audit by name: who may only look, a token that was revoked or is over, who signed out or was shut out', async () => {
    const control = ledger.as('estop_control');
    const [looks, left, shut] = [await signIn('violet'), await signIn('gustav'), await signIn('oskar')];
    const [reader, revoked, over] = [
      await makeToken('reader', 'viewer'),
      await makeToken('night-job', 'operator'),
      await makeToken('old-job', 'operator'),
    ];
    await endSignIn(control, left.signInId, 'gustav');
    await disablePerson(control, shut.personId, true, 'ada');
    await revokeApiToken(control, revoked.tokenId, { actor: 'ada' });
    await ledger.sql('UPDATE estop.api_tokens SET expires_at = clock_timestamp() WHERE token_id = $1', [over.tokenId]);
    const shown = [looks, left, shut].map(({ cookie }): Record<string, string> => ({ cookie }));
    for (const { authorization } of [reader, revoked, over]) shown.push({ authorization });
    const [only, nobody] = [
      [403, 'forbidden'],
      [401, 'unauthenticated'],
    ];
    // Whom the stop process knew a moment ago it knows until it looks again: a lost right bites within seconds, not at once.
    await expect
      .poll(async () => Promise.all(shown.map(async (headers) => stop(headers))), { timeout: 20_000 })
      .toEqual([only, nobody, nobody, only, nobody, nobody]);
    // Of a page that is not ours nothing is looked at, so nobody is named for it; nor for what nobody ever had.
    await stop({ cookie: (await signIn('lured')).cookie, origin: 'https://evil.example' });
    await stop({ authorization: `Bearer estop_${environment}_${mintSecret()}` });
    await expect
      .poll(audited, { timeout: 20_000 })
      .toEqual([
        `here | a stop | person-disabled | ${shut.signInId} | oskar`,
        `here | a stop | signed-out | ${left.signInId} | gustav`,
        `here | a stop | token-expired | ${over.tokenId} | old-job`,
        `here | a stop | token-revoked | ${revoked.tokenId} | night-job`,
        'here | a stop | unauthenticated |  | ',
        `reader | fleet | forbidden | ${reader.tokenId} | reader`,
        `violet | fleet | forbidden | ${looks.signInId} | violet`,
      ]);
    const written = JSON.stringify(await ledger.sql('SELECT * FROM estop.refused_attempts'));
    for (const { token } of [reader, revoked, over]) {
      expect(written).not.toContain(token);
      expect(written).not.toContain(Buffer.from(secretHash(token)).toString('hex'));
    }
  });

  it('is named also in a flood of made-up tokens', async () => {
    const { token, tokenId } = await makeToken('in-a-flood', 'operator');
    await revokeApiToken(ledger.as('estop_control'), tokenId, { actor: 'ada' });
    const tried = [token, ...Array.from({ length: 20 }, () => `estop_${environment}_${mintSecret()}`)];
    await Promise.all(tried.map((one) => stop({ authorization: `Bearer ${one}` })));
    const named = async () => (await audited()).some((line) => line.includes(tokenId));
    await expect.poll(named, { timeout: 20_000 }).toBe(true);
    // What nobody ever had stands there once for its source, however many they were.
    const rows = await ledger.sql(
      "SELECT count(DISTINCT minute) = count(*) AS once FROM estop.refused_attempts WHERE because = 'unauthenticated'",
    );
    expect(rows).toEqual([{ once: true }]);
  });
});
