import { beforeAll, describe, expect, it } from 'vitest';
import { ownPath } from '../../../src/control/sign-in/own-path.ts';
import { type ControlRig, field, makeControl, tokensSeen } from '../rig.ts';

const origin = 'http://control.example.org';

describe('signing in by a link', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
  });

  const makeLink = async (as = 'olga@operator', next?: string): Promise<string> => {
    const made = await rig.call('POST', '/v1/login-links', { as, body: next === undefined ? {} : { next } });
    expect(made.status).toBe(201);
    const url = new URL(String(field(made.body, 'url')));
    expect(url.origin).toBe(origin);
    return `${url.pathname}${url.search}`;
  };
  const redeem = (path: string, headers: Record<string, string> = {}) =>
    rig.call('POST', path, { headers: { origin, ...headers } });
  const cookieOf = (headers: Headers): string => (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const signIn = async (as?: string): Promise<string> => cookieOf((await redeem(await makeLink(as))).headers);
  const mayRead = async (cookie: string): Promise<number> =>
    (await rig.call('GET', '/v1/tasks', { headers: { cookie } })).status;

  it('shows who it signs in, signs in on the press of the button, and works once', async () => {
    const path = await makeLink('olga@operator', '/stops?open=1');
    const looked = await rig.call('GET', path);
    expect([looked.status, looked.text.includes('olga'), looked.headers.get('set-cookie')]).toEqual([200, true, null]);
    const entered = await redeem(path);
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/stops?open=1']);
    expect(await mayRead(cookieOf(entered.headers))).toBe(200);
    expect((await redeem(path)).status).toBe(410);
    expect((await rig.call('GET', path)).status).toBe(410);
  });

  it('each that came to nothing is in the audit, counted: from where, as whom where that is known, why, and nothing of the link', async () => {
    await rig.ledger.sql('DELETE FROM estop.refused_attempts');
    const [used, over, gone] = [
      await makeLink('lou@viewer'),
      await makeLink('mia@viewer'),
      await makeLink('nan@viewer'),
    ];
    expect((await redeem(used)).status).toBe(303);
    await rig.ledger.sql(`UPDATE estop.login_links SET expires_at = clock_timestamp() WHERE name = 'mia'`);
    for (const [hash, { actor }] of tokensSeen) if (actor === 'nan') tokensSeen.delete(hash);
    const guessed = `/sign-in/link/${'g'.repeat(43)}`;
    for (const path of [used, over, gone, guessed, guessed, '/sign-in/link/short'])
      expect((await redeem(path)).status).toBe(410);
    const noted = () =>
      rig.ledger.sql(
        "SELECT door, source, subject, because, sum(times)::int AS times FROM estop.refused_attempts WHERE subject <> 'person:olga' GROUP BY 1, 2, 3, 4 ORDER BY 3, 4",
      );
    const from = { door: 'link', source: 'unknown' }; // asked without a connection
    await expect.poll(noted, { timeout: 20_000 }).toEqual([
      { ...from, subject: 'person:lou', because: 'link-over', times: 1 },
      { ...from, subject: 'person:mia', because: 'link-over', times: 1 },
      { ...from, subject: 'person:nan', because: 'token-gone', times: 1 },
      { ...from, subject: 'sign-in', because: 'unknown-link', times: 3 },
    ]);
  });

  it('of two who redeem one link at the same time, one is signed in', async () => {
    const path = await makeLink();
    const answers = await Promise.all(Array.from({ length: 6 }, () => redeem(path)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 410, 410, 410, 410, 410]);
  });

  it('keeps neither link nor cookie in the store, only hashes', async () => {
    const path = await makeLink();
    const cookie = cookieOf((await redeem(path)).headers);
    const secrets = [path.split('/').at(-1) ?? '', cookie.split('=')[1] ?? ''];
    const rows = await rig.ledger.sql(
      `SELECT to_jsonb(l)::text AS row FROM estop.login_links l UNION ALL SELECT to_jsonb(s)::text FROM estop.sign_ins s
       UNION ALL SELECT to_jsonb(a)::text FROM estop.audit a`,
    );
    expect(rows.length).toBeGreaterThan(2);
    for (const secret of secrets) expect(rows.some(({ row }) => String(row).includes(secret))).toBe(false);
  });

  it('sets a cookie that scripts cannot read and other sites cannot send with a change', async () => {
    const { headers } = await redeem(await makeLink());
    expect(headers.get('set-cookie')).toMatch(
      /^estop-test-sign-in=[A-Za-z0-9_-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const secure = rig.withDeps({ controlUrl: 'https://control.example.org' });
    const answer = await secure.call('POST', await makeLink(), { headers: { origin: 'https://control.example.org' } });
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-estop-test-sign-in=.*; Secure/);
  });

  it('never takes over a secret that was in the browser before, and ends what it stood for', async () => {
    const planted = `estop-test-sign-in=${'A'.repeat(43)}`;
    const entered = await redeem(await makeLink(), { cookie: planted });
    expect(cookieOf(entered.headers)).not.toBe(planted);
    expect(await mayRead(planted)).toBe(401);
    const first = cookieOf(entered.headers);
    const second = cookieOf((await redeem(await makeLink('paul@approver'), { cookie: first })).headers);
    expect([await mayRead(first), await mayRead(second)]).toEqual([401, 200]);
  });

  it('a change by cookie needs a page of ours; a token needs none', async () => {
    const cookie = await signIn();
    const change = (headers: Record<string, string>) =>
      rig.call('POST', '/v1/stops:preview', { body: { scopeKey: 'fleet' }, headers: { cookie, ...headers } });
    expect((await change({ origin })).status).toBe(200);
    expect((await change({ origin, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect((await change({})).status).toBe(403);
    expect((await change({ 'sec-fetch-site': 'none' })).status).toBe(403);
    expect((await change({ origin: 'https://attacker.example' })).status).toBe(403);
    expect((await change({ origin, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await change({ origin: 'null' })).status).toBe(403);
  });

  it('a link cannot be redeemed, and nobody signed out, from a page of somebody else', async () => {
    const path = await makeLink();
    for (const headers of [{}, { origin: 'https://attacker.example' }])
      expect((await rig.call('POST', path, { headers })).status).toBe(403);
    const cookie = await signIn();
    expect((await rig.call('POST', '/sign-out', { headers: { cookie } })).status).toBe(403);
    expect(await mayRead(cookie)).toBe(200);
  });

  it('signing out ends it here and in the store', async () => {
    const cookie = await signIn();
    const left = await rig.call('POST', '/sign-out', { headers: { cookie, origin } });
    expect([left.status, left.headers.get('location')]).toEqual([303, '/sign-in']);
    expect(left.headers.get('set-cookie')).toMatch(/estop-test-sign-in=; Max-Age=0/);
    expect(await mayRead(cookie)).toBe(401);
  });

  it('leaves nothing in the browser by which whoever comes next could stop things as somebody else', async () => {
    const proofIn = (headers: Headers) =>
      headers.getSetCookie().find((line) => line.startsWith('estop-test-stop-proof=')) ?? '';
    const page = (cookie: string) => rig.call('GET', '/', { headers: { cookie, accept: 'text/html' } });
    const cookie = await signIn('olga@operator');
    const proof = proofIn((await page(cookie)).headers).split(';')[0] ?? '';
    expect(proof).toMatch(/^estop-test-stop-proof=ey/);
    const viewer = await signIn('vera@viewer');
    expect(proofIn((await page(`${viewer}; ${proof}`)).headers)).toMatch(/^estop-test-stop-proof=; Max-Age=0/);
    expect(proofIn((await page(`${cookie}; ${proof}`)).headers)).toBe('');
    const again = await redeem(await makeLink('vera@viewer'), { cookie: proof });
    expect(proofIn(again.headers)).toMatch(/^estop-test-stop-proof=; Max-Age=0/);
    const left = await rig.call('POST', '/sign-out', { headers: { cookie: `${cookie}; ${proof}`, origin } });
    expect(proofIn(left.headers)).toMatch(/^estop-test-stop-proof=; Max-Age=0/);
  });

  it('ends with the token it was made from, links that are still open too', async () => {
    const cookie = await signIn('tina@viewer');
    const path = await makeLink('tina@viewer');
    expect(await mayRead(cookie)).toBe(200);
    for (const [hash, { actor }] of tokensSeen) if (actor === 'tina') tokensSeen.delete(hash);
    expect(await mayRead(cookie)).toBe(401);
    expect((await redeem(path)).status).toBe(410);
  });

  it('is over when it was not used for its time, and at its end whatever happens', async () => {
    const [idle, old] = [await signIn('ida@viewer'), await signIn('otto@viewer')];
    await rig.ledger.sql(
      "UPDATE estop.sign_ins SET seen_at = seen_at - interval '12 hours' FROM estop.people p WHERE p.person_id = sign_ins.person_id AND p.name = 'ida'",
    );
    await rig.ledger.sql(
      "UPDATE estop.sign_ins SET ends_at = clock_timestamp() FROM estop.people p WHERE p.person_id = sign_ins.person_id AND p.name = 'otto'",
    );
    expect([await mayRead(idle), await mayRead(old)]).toEqual([401, 401]);
    const path = await makeLink();
    await rig.ledger.sql('UPDATE estop.login_links SET expires_at = clock_timestamp() WHERE used_at IS NULL');
    expect((await redeem(path)).status).toBe(410);
  });

  it('is made only where nobody else can reach estop, and only by a token', async () => {
    const remote = rig.withDeps({ loginLinks: false });
    const path = await makeLink();
    expect((await remote.call('POST', '/v1/login-links', { as: 'olga@operator', body: {} })).status).toBe(403);
    expect((await remote.call('POST', path, { headers: { origin } })).status).toBe(410);
    const cookie = await signIn();
    expect((await rig.call('POST', '/v1/login-links', { body: {}, headers: { cookie, origin } })).status).toBe(403);
  });

  it('a page opened from a message is answered, an API call from there is not', async () => {
    const opened = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await rig.call('GET', '/sign-in', { headers: opened })).status).toBe(200);
    const framed = { ...opened, 'sec-fetch-dest': 'iframe' };
    expect((await rig.call('GET', '/sign-in', { headers: framed })).status).toBe(403);
    const cookie = await signIn();
    expect((await rig.call('GET', '/v1/tasks', { headers: { cookie, ...opened } })).status).toBe(403);
  });

  it.each([
    ['/stops/stop_dev_1?tab=grants', '/stops/stop_dev_1?tab=grants'],
    [undefined, '/'],
    ['https://attacker.example/', '/'],
    ['//attacker.example', '/'],
    ['/\\attacker.example', '/'],
    ['/\t/attacker.example', '/'],
    ['/.//attacker.example', '/'],
    ['/%2e//attacker.example', '/'],
    ['javascript:alert(1)', '/'],
    ['stops', '/'],
    ['/sign-out', '/'],
    [`/${'a'.repeat(2_600)}`, '/'],
  ])('after it, %j leads to %j', (asked, leads) => {
    expect(ownPath(asked)).toBe(leads);
  });
});
