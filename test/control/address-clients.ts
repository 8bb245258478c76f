import { beforeAll, expect, it } from 'vitest';
import type { clientBed } from './client-bed.ts';
import { callback, verifier } from './client-bed.ts';
import { startDocumentServer } from './document-server.ts';
import { field } from './rig.ts';
import { openBrowser } from './sign-in/browser.ts';

const program = 'cursor://anysphere.cursor-mcp/oauth/callback';

/** Of clients whose id is an address, and of those that are answered at a scheme of their own. On the bed of the others. */
export function addressClients(bed: ReturnType<typeof clientBed>): void {
  const { asking, answerOf, connect, exchange, register, sessions, signedIn } = bed;
  let published: Awaited<ReturnType<typeof startDocumentServer>>;
  beforeAll(async () => {
    published = await startDocumentServer();
  });
  const askedFor = (path: string) => published.asked.filter((one) => one.path === path).length;
  const formOf = (url: string, code: string | null) => ({
    grant_type: 'authorization_code',
    code: code ?? '',
    redirect_uri: new URL(url).searchParams.get('redirect_uri') ?? '',
    client_id: new URL(url).searchParams.get('client_id') ?? '',
    code_verifier: verifier,
  });

  it('is told that its id may be an address', async () => {
    const told = await (await fetch(`${bed.issuer}/.well-known/oauth-authorization-server`)).json();
    expect(field(told, 'client_id_metadata_document_supported')).toBe(true);
  });

  it('is connected by the address of its document, of which the page says whose it is, and by no stranger', async () => {
    const url = await asking({ client_id: published.describe('/one.json') });
    expect((await openBrowser().open(url)).way.at(-1)).toContain('/sign-in?next=%2Foauth%2Fauthorize');
    expect(askedFor('/one.json')).toBe(0);
    const browser = await signedIn('olga@operator');
    const shown = await browser.open(url);
    expect(shown.text).toContain('<strong>A btoolb</strong>');
    expect(shown.text).toContain(`<strong>${new URL(published.origin).host}</strong>`);
    expect(shown.text).toContain(`<code>${published.origin}/one.json</code>`);
    const answer = answerOf(await browser.press(shown, { answer: 'connect', agent: 'coder' }));
    const given = await exchange(formOf(url, answer.searchParams.get('code')));
    expect(given).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    expect((await sessions()).at(-1)).toMatchObject({ agent_id: 'coder', requested_by: 'olga', open: true });
    const [row] = await bed.rig.ledger.sql(
      "SELECT detail->>'client' AS client FROM estop.audit WHERE kind = 'client.connected' ORDER BY seq DESC LIMIT 1",
      [],
    );
    expect(row?.['client']).toBe(`${published.origin}/one.json`);
  });

  it('is answered where its document says and nowhere else, and not at all if that says nothing of it', async () => {
    const browser = await signedIn('olga@operator');
    const id = published.describe('/two.json', { redirect_uris: ['http://127.0.0.1/callback'] });
    const foreign = published.describe('/three.json', { client_id: id });
    for (const changes of [
      { client_id: id, redirect_uri: 'http://127.0.0.1:1/other' },
      { client_id: id, redirect_uri: program },
      { client_id: foreign },
      { client_id: published.publish('/none.json', { status: 404 }) },
      { client_id: `${id}?` },
      { client_id: 'https://127.0.0.1:1/none.json' },
    ]) {
      const seen = await browser.open(await asking(changes));
      expect([seen.status, seen.way.length, seen.text.includes('<form')], JSON.stringify(changes)).toEqual([
        400,
        1,
        false,
      ]);
      expect(seen.text).not.toMatch(/refused|HTTP|404|address-/);
    }
  });

  it('is not connected if it proves itself with a key, and hears why; an assertion opens nothing, and uses nothing up', async () => {
    const browser = await signedIn('olga@operator');
    const proving = published.describe('/key.json', {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [] },
    });
    const seen = await browser.open(await asking({ client_id: proving }));
    expect([seen.status, seen.text.includes('<form')]).toEqual([400, false]);
    expect(seen.text).toContain('token_endpoint_auth_method none');
    const url = await asking({ client_id: published.describe('/six.json') });
    const form = formOf(url, (await connect(browser, url)).searchParams.get('code'));
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    for (const assertion of [
      { client_assertion: 'x.y.z', client_assertion_type: type },
      { client_assertion_type: type },
    ])
      expect(await exchange({ ...form, ...assertion })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client', error_description: expect.stringContaining('not served') },
      });
    expect((await exchange(form)).status).toBe(200);
  });

  it('is not connected by a page that showed another document, and gets nothing from one that changes after the consent', async () => {
    const browser = await signedIn('olga@operator');
    const id = published.describe('/four.json');
    const url = await asking({ client_id: id });
    const shown = await browser.open(url);
    bed.passTime(60_001);
    published.describe('/four.json', { client_name: 'Another' });
    expect((await browser.press(shown, { answer: 'connect', agent: 'coder' })).status).toBe(403);
    bed.passTime(60_001);
    published.describe('/four.json', { redirect_uris: ['http://127.0.0.1/evil'] });
    expect((await browser.press(shown, { answer: 'connect', agent: 'coder' })).status).toBe(400);
    bed.passTime(60_001);
    published.describe('/four.json');
    const code = (await connect(browser, url)).searchParams.get('code');
    bed.passTime(60_001);
    published.describe('/four.json', { redirect_uris: ['http://127.0.0.1/evil'] });
    const before = askedFor('/four.json');
    const elsewhere = { ...formOf(url, code), redirect_uri: 'http://127.0.0.1/evil' };
    expect(await exchange(elsewhere)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    published.describe('/four.json');
    bed.passTime(60_001);
    const again = (await connect(browser, url)).searchParams.get('code');
    const other = published.describe('/five.json');
    expect((await exchange({ ...formOf(url, again), client_id: other })).status).toBe(400);
    expect(askedFor('/four.json')).toBe(before + 1);
  });

  it('that has a scheme of its own is answered at just what it registered, and its person is shown what that means', async () => {
    const browser = await signedIn('olga@operator');
    const clientId = await register([program, callback]);
    const url = await asking({ client_id: clientId, redirect_uri: program });
    const shown = await browser.open(url);
    expect(shown.text).toContain(`<code>${program}</code>`);
    expect(shown.text).toContain('<code>cursor:</code>');
    expect(shown.text).toContain('Nobody can say which one that is.');
    expect(shown.text).not.toContain('on the machine of this browser. You');
    const answer = answerOf(await browser.press(shown, { answer: 'connect', agent: 'coder' }));
    expect(answer.href.startsWith(`${program}?`)).toBe(true);
    expect(answer.searchParams.get('iss')).toBe(bed.issuer);
    const code = answer.searchParams.get('code');
    const stolen = { ...formOf(url, code), code_verifier: 'what-another-program-of-that-scheme-does-not-have-0' };
    expect(await exchange(stolen)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const next = (await connect(browser, url)).searchParams.get('code');
    expect((await exchange(formOf(url, next))).status).toBe(200);
    expect((await browser.press(shown, { answer: 'connect', agent: 'coder' })).refresh).toContain(program);
    const no = await browser.press(shown, { answer: 'no' });
    expect([answerOf(no).searchParams.get('error'), no.refresh]).toEqual(['access_denied', null]);
    for (const redirect of [
      `${program}/`,
      `${program}?a=b`,
      'cursor://other/oauth/callback',
      'javascript://%0aalert(1)',
    ])
      expect((await browser.open(await asking({ client_id: clientId, redirect_uri: redirect }))).status).toBe(400);
  });

  it.each([
    ['without PKCE', { code_challenge: undefined }],
    ['with plain PKCE', { code_challenge_method: 'plain' }],
    ['for another resource', { resource: 'https://other.example/mcp' }],
  ])('that has a scheme of its own is refused %s, and no program is opened to tell it', async (_, changes) => {
    const client_id = await register([program]);
    const response = await fetch(await asking({ client_id, redirect_uri: program, ...changes }), {
      redirect: 'manual',
    });
    expect([response.status, response.headers.get('location'), response.headers.get('refresh')]).toEqual([
      400,
      null,
      null,
    ]);
  });

  it.each([
    ['is run', 'javascript://%0aalert(1)'],
    ['is a web site’s', 'web+evil://x/cb'],
    ['is of the network', 'https://evil.example/cb'],
    ['the system opens', 'ms-msdt:/id'],
  ])('does not register with an address that %s', async (_, redirect) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ redirect_uris: [redirect] });
    const refused = await fetch(`${bed.issuer}/oauth/register`, { method: 'POST', headers, body });
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_redirect_uri' }]);
  });
}
