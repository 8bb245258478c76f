import { randomBytes } from 'node:crypto';
import { beforeAll, expect, inject, it, vi } from 'vitest';
import type { Identity } from '../../src/contract/identity.ts';
import { secretHash } from '../../src/control/sign-in/sign-in-cookie.ts';
import { formatId } from '../../src/core/ids.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createOperatorProofs } from '../../src/runtime/keys/operator-proof.ts';
import { type StopServer, startStopServer } from '../../src/stop/server.ts';
import { makeApiToken, revokeApiToken } from '../../src/store/api-tokens.ts';
import { disablePerson, setMandates } from '../../src/store/people.ts';
import { beginSignIn, endSignIn } from '../../src/store/sign-ins.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { recordingLog } from '../revocation/rig.ts';
import { agentSpec, type Ledger, makeLedger, putAgents } from '../store/ledger.ts';
import { relayTo } from './store-relay.ts';

/** Of its own, so that what is left in an intake is nobody else's. */
const environment = 'people';
const mint = (kind: 'sign' | 'person' | 'api' | 'stop' | 'task'): string =>
  formatId(kind, environment, randomBytes(16));

requires('temporal')('people who are signed in, at the stop process', () => {
  let ledger: Ledger;
  let server: StopServer;
  let store: Awaited<ReturnType<typeof relayTo>>;
  /** Of whoever holds the token of the file that the sign-in below was made from. */
  let standing: Identity | undefined;
  const keys = tempFolder();
  ensureKeys(keys, environment);
  const proofs = createOperatorProofs(() => openKeyRing(keys, 'proof', environment), environment);
  const start = (): Promise<StopServer> =>
    startStopServer({
      environment,
      host: '127.0.0.1',
      port: 0,
      databaseUrl: store.url,
      temporalAddress: inject('temporalAddress'),
      authenticator: {
        authenticate: (header) => {
          if (header === 'Bearer break-glass') return { ok: true, identity: { actor: 'safe', roles: ['operator'] } };
          if (header === 'Bearer looks') return { ok: true, identity: { actor: 'vera', roles: ['viewer'] } };
          return { ok: false, code: header === 'Bearer of-another' ? 'foreign-environment' : 'unauthenticated' };
        },
        standingOf: () => standing,
      },
      proofs,
      log: recordingLog().log,
    });
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
    await putAgents(ledger, [agentSpec('payer', { labels: { team: 'payments' } }), agentSpec('mailer')]);
    store = await relayTo(ledger.urls.estop_stop);
    server = await start();
    return async () => {
      await server.close();
      await store.close();
    };
  });

  interface Made {
    readonly personId: string;
    readonly signInId: string;
    readonly cookie: string;
    readonly proof: string;
  }
  async function signIn(name: string, mandates: readonly object[]): Promise<Made> {
    const secret = randomBytes(32).toString('base64url');
    const made = { signInId: mint('sign'), personId: mint('person') };
    const times = { agent: '', idleMs: 3_600_000, lifeMs: 7_200_000 };
    await beginSignIn(
      ledger.as('estop_control'),
      { issuer: 'https://id.example.org', subject: name, name, person: name, groups: [], mandates },
      { ...made, ...times, secretHash: secretHash(secret), method: 'oidc' },
    );
    const proof = proofs.sign({
      actor: name,
      person: name,
      signInId: made.signInId,
      expiresAt: Date.now() + 3_600_000,
    });
    return { ...made, cookie: `estop-${environment}-sign-in=${secret}`, proof };
  }
  const stop = async (headers: Record<string, string>, scopeKey = 'agent:payer', at = server) => {
    const response = await fetch(`${at.url}/v1/stops`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ scopeKey, stopId: mint('stop') }),
    });
    return { status: response.status, body: JSON.parse(await response.text()) as Record<string, unknown> };
  };
  const status = async (...asked: Parameters<typeof stop>): Promise<number> => (await stop(...asked)).status;
  const soon = (read: () => Promise<number>) => expect.poll(read, { timeout: 5_000, interval: 50 });

  it('stop what they may, by the cookie that control hands on, and it is their name that stands on the stop', async () => {
    const { cookie } = await signIn('olga', [{ role: 'operator' }]);
    await soon(() => status({ cookie })).toBe(200);
    const [row] = await ledger.sql('SELECT actor FROM estop.stops ORDER BY epoch DESC LIMIT 1');
    expect(row?.['actor']).toBe('olga');
    const viewer = await signIn('viola', [{ role: 'viewer' }]);
    const refused = await stop({ cookie: viewer.cookie });
    expect([refused.status, refused.body['detail']]).toEqual([403, expect.stringContaining('operator or admin')]);
  });

  it('stop it in the moment in which they were let in: nobody waits for the list to be heard', async () => {
    for (let nth = 0; nth < 3; nth += 1) {
      const { cookie } = await signIn(`lia-${nth}`, [{ role: 'operator' }]);
      expect(await status({ cookie })).toBe(200);
    }
  });

  it('the cookies of a browser that comes here by itself are not looked at', async () => {
    const { cookie } = await signIn('pia', [{ role: 'operator' }]);
    await soon(() => status({ cookie })).toBe(200);
    expect(await status({ cookie, origin: 'http://127.0.0.1:3000' })).toBe(401);
    expect(await status({ cookie, 'sec-fetch-site': 'same-site' })).toBe(401);
  });

  it('a role over labels stops the agents that carry them, single tasks, and nothing wider', async () => {
    const { cookie } = await signIn('lara', [{ role: 'operator', labels: { team: 'payments' } }]);
    await soon(() => status({ cookie }, 'agent:payer')).toBe(200);
    expect(await status({ cookie }, 'label:team=payments')).toBe(200);
    expect(await status({ cookie }, newTask())).toBe(200);
    for (const wider of ['agent:mailer', 'fleet', 'connector:erp', 'label:team=mail'])
      expect([wider, await status({ cookie }, wider)]).toEqual([wider, 403]);
  });
  it('whoever tried to stop what they may not is in the audit, counted, and the answer waited for nothing', async () => {
    const { cookie } = await signIn('lena', [{ role: 'operator', labels: { team: 'payments' } }]);
    await soon(() => status({ cookie }, 'fleet')).toBe(403);
    const looks = { authorization: 'Bearer looks' };
    expect(await Promise.all(Array.from({ length: 5 }, () => status(looks)))).toEqual(Array(5).fill(403));
    for (const token of ['of-another', 'made-up']) expect(await status({ authorization: `Bearer ${token}` })).toBe(401);
    const seen = async () =>
      (
        await ledger.sql(
          `SELECT door, source, subject, because, sum(times)::int AS times FROM estop.refused_attempts GROUP BY 1, 2, 3, 4 ORDER BY 2, 4`,
        )
      ).map(({ door, source, subject, because, times }) => [
        door,
        source,
        subject,
        because,
        source === 'vera' ? Number(times) : 1,
      ]);
    const here = expect.stringMatching(/^(::ffff:)?127\.0\.0\.1$/) as unknown;
    await expect.poll(seen, { timeout: 20_000 }).toEqual(
      expect.arrayContaining([
        ['api', 'lena', 'fleet', 'forbidden', 1],
        ['api', 'vera', 'agent:payer', 'forbidden', 5],
        ['api', here, 'a stop', 'foreign-environment', 1],
        ['api', here, 'a stop', 'unauthenticated', 1],
      ]),
    );
  });
  const newTask = (): string => `task:${mint('task')}`;

  it('who is disabled, signs out or loses the role stops nothing any more within 5 s, proof or not', async () => {
    const control = ledger.as('estop_control');
    const ends: Readonly<Record<string, (who: Made) => Promise<unknown>>> = {
      'is disabled': ({ personId }) => disablePerson(control, personId, true, 'ada'),
      'signs out': ({ signInId }) => endSignIn(control, signInId, 'max'),
      'loses the role': ({ personId }) => setMandates(control, personId, 'max', [{ role: 'viewer' }]),
    };
    // All at once: each waits for the same list, which is heard once in a second.
    await Promise.all(
      Object.entries(ends).map(async ([how, end]) => {
        const who = await signIn(`max who ${how}`, [{ role: 'operator' }]);
        await soon(() => status({ cookie: who.cookie })).toBe(200);
        await end(who);
        await soon(() => status({ cookie: who.cookie })).toBe(how === 'loses the role' ? 403 : 401);
        expect([how, await status({ authorization: `Bearer ${who.proof}` })]).toEqual([how, 401]);
      }),
    );
  });

  it('what was made from a token of the file ends at the stop process with the token it was made from', async () => {
    const { cookie, signInId } = await signIn('link', [{ role: 'operator' }]);
    await ledger.sql('UPDATE estop.sign_ins SET basis = $2 WHERE sign_in_id = $1', [signInId, Buffer.alloc(32, 1)]);
    standing = { actor: 'link', roles: ['operator'] };
    await soon(() => status({ cookie })).toBe(200);
    await soon(async () => {
      standing = { actor: 'link', roles: ['viewer'] };
      return status({ cookie });
    }).toBe(403);
    standing = undefined;
    expect(await status({ cookie })).toBe(401);
  });

  it('whose token gives no role for it stops nothing, and a token of another environment is told apart', async () => {
    for (const scope of ['agent:payer', newTask()])
      expect([scope, await status({ authorization: 'Bearer looks' }, scope)]).toEqual([scope, 403]);
    const foreign = await stop({ authorization: 'Bearer of-another' });
    expect([foreign.status, foreign.body['code']]).toEqual([401, 'foreign-environment']);
  });

  it('API tokens stop things until they are revoked', async () => {
    const token = `estop_${environment}_${randomBytes(32).toString('base64url')}`;
    const tokenId = mint('api');
    const control = ledger.as('estop_control');
    const body = {
      tokenId,
      tokenHash: secretHash(token),
      name: 'pager',
      person: 'pager',
      mandates: [{ role: 'operator' }],
      actor: 'ada',
      lifeMs: 60_000,
    };
    await makeApiToken(control, body);
    await soon(() => status({ authorization: `Bearer ${token}` })).toBe(200);
    await revokeApiToken(control, tokenId, { actor: 'ada' });
    await soon(() => status({ authorization: `Bearer ${token}` })).toBe(401);
  });

  it('a proof is good for this environment, this key and its time', async () => {
    const { signInId } = await signIn('theo', [{ role: 'viewer' }]);
    const later = Date.now() + 60_000;
    const foreignKeys = tempFolder();
    ensureKeys(foreignKeys, environment);
    const whose = { actor: 'theo', person: 'theo', signInId: mint('sign') };
    const bad = [
      createOperatorProofs(() => openKeyRing(foreignKeys, 'proof', environment), environment).sign({
        ...whose,
        expiresAt: later,
      }),
      createOperatorProofs(() => openKeyRing(keys, 'proof', environment), 'other').sign({ ...whose, expiresAt: later }),
      proofs.sign({ ...whose, expiresAt: Date.now() - 120_000 }),
      proofs.sign({ ...whose, expiresAt: later }).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      `${proofs
        .sign({ ...whose, expiresAt: later })
        .split('.')
        .slice(0, 2)
        .join('.')}.`,
      '',
    ];
    for (const proof of bad) expect(await status({ authorization: `Bearer ${proof}` })).toBe(401);
    // One of somebody whom the store does not name, made long ago: it ended before this process began.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 6_000 });
    const old = proofs.sign({ ...whose, signInId, expiresAt: later });
    vi.useRealTimers();
    expect(await status({ authorization: `Bearer ${old}` })).toBe(401);
    // One that was made since the store was last heard is not on its list yet.
    expect(await status({ authorization: `Bearer ${proofs.sign({ ...whose, expiresAt: later })}` })).toBe(200);
  });

  it('with the store away, whoever was signed in still stops; so does the token in the safe, and nobody who had lost the right', async () => {
    const olga = await signIn('olga-2', [{ role: 'operator' }]);
    const gone = await signIn('gone', [{ role: 'operator' }]);
    await soon(() => status({ cookie: olga.cookie })).toBe(200);
    await soon(() => status({ cookie: gone.cookie })).toBe(200);
    await disablePerson(ledger.as('estop_control'), gone.personId, true, 'ada');
    await soon(() => status({ cookie: gone.cookie })).toBe(401);
    store.cut();
    try {
      const placed = await Promise.all(
        [
          { cookie: olga.cookie },
          { authorization: `Bearer ${olga.proof}` },
          { authorization: 'Bearer break-glass' },
        ].map((one) => stop(one)),
      );
      // Durable in the intake: latched as soon as the store is back.
      expect(placed.map(({ status: code, body }) => [code, body['state']])).toEqual(
        Array.from({ length: 3 }, () => [202, 'accepted']),
      );
      expect(await status({ cookie: gone.cookie })).toBe(401);
      expect(await status({ authorization: `Bearer ${gone.proof}` })).toBe(401);
      // A stop process that begins now has heard nothing yet: then the proof alone is believed.
      const fresh = await start();
      try {
        expect(await status({ authorization: `Bearer ${olga.proof}` }, 'agent:payer', fresh)).toBe(202);
        expect(await status({ cookie: olga.cookie }, 'agent:payer', fresh)).toBe(401);
        const both = `${olga.cookie}; estop-${environment}-stop-proof=${olga.proof}`;
        expect(await status({ cookie: both }, 'agent:payer', fresh)).toBe(202);
        // A role that was taken for a while: as long as that, and then what is theirs anyway.
        const byProof = (until: number, scopeKey: string) => {
          const whose = { actor: 'lin', person: 'lin', signInId: mint('sign'), scopes: ['agent:payer'] };
          const expiresAt = Date.now() + 3_600_000;
          const proof = proofs.sign({ ...whose, expiresAt, wider: { actor: 'lin (elevated)', until } });
          return status({ authorization: `Bearer ${proof}` }, scopeKey, fresh);
        };
        const [later, before] = [Date.now() + 60_000, Date.now() - 120_000];
        expect([await byProof(later, 'connector:erp'), await byProof(before, 'connector:erp')]).toEqual([202, 403]);
        expect(await byProof(before, 'agent:payer')).toBe(202);
      } finally {
        await fresh.close();
      }
    } finally {
      store.mend();
    }
    await soon(() => status({ cookie: olga.cookie })).toBe(200);
  }, 60_000);
});
