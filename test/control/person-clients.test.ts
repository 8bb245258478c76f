import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { auditTrail } from '../../src/store/audit-trail.ts';
import { closeAfterAll, until } from '../gateway/rig.ts';
import { requires } from '../kit/requires.ts';
import { fence, keepBeating, stop } from '../store/ledger.ts';
import { addressClients } from './address-clients.ts';
import { callback, clientBed, verifier } from './client-bed.ts';
import { clientsEnd } from './clients-end.ts';
import { consentLooks } from './consent-looks.ts';
import { field } from './rig.ts';
import { openBrowser } from './sign-in/browser.ts';

/**
 * Each was taken out once: the mark of a client's id, the look at its redirect, S256, the look at the resource, the proof of the page,
 * the list of agents, each comparison in redeem_client_ticket, and what a second showing ends.
 */
requires('temporal')('a client of MCP that a person connects', () => {
  const bed = clientBed();
  const { signedIn, register, registerElsewhere, asking, answerOf, connect, exchange, aCode, sessions, editor, read } =
    bed;
  const refreshIn = ({ tokens }: { readonly tokens?: unknown }) => ({
    refresh_token: String(field(tokens, 'refresh_token')),
  });

  it('finds its way with the official SDK, works as the agent that its person chose, and ends with a stop of it', async () => {
    const browser = await signedIn('olga@operator');
    const { kept, provider } = editor();
    const open = () => new StreamableHTTPClientTransport(new URL(`${bed.gateway.url}/mcp`), { authProvider: provider });
    const first = open();
    const client = new Client({ name: 'editor', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await expect(client.connect(first)).rejects.toThrow();
    const shown = await browser.open(String(kept.asked));
    expect(shown.text).toContain('<strong>editor</strong>');
    expect(shown.text).toContain('127.0.0.1:33418');
    const answer = answerOf(await browser.press(shown, { answer: 'connect', agent: 'coder' }));
    expect(`${answer.origin}${answer.pathname}`).toBe(callback);
    expect([answer.searchParams.get('state'), answer.searchParams.get('iss')]).toEqual([
      'a-state-of-the-editor',
      bed.issuer,
    ]);
    await first.finishAuth(answer.searchParams);
    const connected = new Client({ name: 'editor', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await connected.connect(open());
    closeAfterAll(() => connected.close().catch(() => undefined));
    expect((await read(connected)).isError).not.toBe(true);
    expect((await sessions()).at(-1)).toMatchObject({ agent_id: 'coder', requested_by: 'olga', open: true });
    // Its token ends, and it goes on in the same session.
    const before = (await sessions()).length;
    const tokens = refreshIn(kept);
    await provider.saveTokens({ ...tokens, access_token: 'an.old.token', token_type: 'Bearer' });
    expect((await read(connected)).isError).not.toBe(true);
    expect((await sessions()).length).toBe(before);
    const taskId = String((await sessions()).at(-1)?.['task_id']);
    await stop(bed.rig.ledger, `task:${taskId}`);
    expect(await read(connected)).toMatchObject({ isError: true, _meta: { 'estop/decision': 'stopped' } });
    const { refresh_token: last } = refreshIn(kept);
    const clientId = String(field(kept.client, 'client_id'));
    const over = await exchange({ grant_type: 'refresh_token', refresh_token: last, client_id: clientId });
    expect(over).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  consentLooks(bed);

  describe('with an address for an id, or with a scheme of its own', () => addressClients(bed));

  it('registers with an address of this machine and no other, and no foreign id is taken', async () => {
    const body = JSON.stringify({
      redirect_uris: ['https://evil.example/cb', 'http://127.0.0.1.evil.example/cb', 'data:text/html,x'],
    });
    const headers = { 'content-type': 'application/json' };
    const refused = await fetch(`${bed.issuer}/oauth/register`, { method: 'POST', headers, body });
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_redirect_uri' }]);
    const browser = await signedIn('olga@operator');
    const own = await register();
    const forged = `${own.slice(0, -1)}${own.endsWith('A') ? 'B' : 'A'}`;
    const elsewhere = await registerElsewhere();
    for (const id of [forged, elsewhere, 'coder.laptop', 'mcp_', undefined]) {
      const seen = await browser.open(await asking({ client_id: id }));
      expect([seen.status, seen.way.length, seen.text.includes('<form')], String(id)).toEqual([400, 1, false]);
    }
  });

  it.each([
    ['another path', 'http://127.0.0.1:33418/other'],
    ['another host', 'https://evil.example/callback'],
    ['a name that only looks like this machine', 'http://127.0.0.1:33418@evil.example/callback'],
    ['none', undefined],
  ])('gets no answer at %s than it registered', async (_, redirect) => {
    const browser = await signedIn('olga@operator');
    const seen = await browser.open(await asking({ redirect_uri: redirect }));
    expect([seen.status, seen.way.length]).toEqual([400, 1]);
  });

  it('is answered at whatever port it got on this machine', async () => {
    const browser = await signedIn('olga@operator');
    const answer = await connect(browser, await asking({ redirect_uri: 'http://127.0.0.1:50123/callback' }));
    expect(answer.port).toBe('50123');
  });

  it.each([
    ['without PKCE', { code_challenge: undefined }, 'invalid_request'],
    ['with plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['without a method', { code_challenge_method: undefined }, 'invalid_request'],
    ['for a token at once', { response_type: 'token' }, 'unsupported_response_type'],
    ['for another resource', { resource: 'https://other.example/mcp' }, 'invalid_target'],
    ['for no resource', { resource: undefined }, 'invalid_target'],
  ])('is refused %s, and told so', async (_, changes, error) => {
    const response = await fetch(await asking(changes), { redirect: 'manual' });
    const told = new URL(response.headers.get('location') ?? 'none:');
    expect(`${told.origin}${told.pathname}`).toBe(callback);
    const { searchParams: said } = told;
    expect([said.get('error'), said.get('iss'), said.get('state'), said.get('code')]).toEqual([
      error,
      bed.issuer,
      'its-state',
      null,
    ]);
  });

  it('opens one session with one code; a code that comes again ends it', async () => {
    const browser = await signedIn('olga@operator');
    const form = await aCode(browser);
    const given = await exchange(form);
    expect(given).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    const opened = (await sessions()).at(-1);
    expect(opened?.['open']).toBe(true);
    expect(await exchange(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await sessions()).at(-1)).toMatchObject({ task_id: opened?.['task_id'], open: false });
    const refresh_token = String(given.body['refresh_token']);
    const more = { grant_type: 'refresh_token', refresh_token, client_id: form.client_id };
    expect((await exchange(more)).status).toBe(400);
    // The token that was given out admits nothing any more.
    const headers = { 'authorization': `Bearer ${String(given.body['access_token'])}` };
    const client = new Client({ name: 't', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${bed.gateway.url}/mcp`), { requestInit: { headers } }),
    );
    expect(await read(client)).toMatchObject({ isError: true });
    await client.close();
  });

  it('whose refresh token comes a second time loses its session', async () => {
    const form = await aCode(await signedIn('olga@operator'));
    const given = await exchange(form);
    const more = {
      grant_type: 'refresh_token',
      refresh_token: String(given.body['refresh_token']),
      client_id: form.client_id,
    };
    const next = await exchange(more);
    expect(next.status).toBe(200);
    expect((await exchange(more)).status).toBe(400);
    expect((await sessions()).at(-1)?.['open']).toBe(false);
    expect((await exchange({ ...more, refresh_token: String(next.body['refresh_token']) })).status).toBe(400);
  });

  it.each([
    ['verifier', { code_verifier: `${verifier}x` }],
    ['redirect', { redirect_uri: 'http://127.0.0.1:33419/callback' }],
    ['client', { client_id: 'mcp_another' }],
    ['resource', { resource: 'https://other.example/mcp' }],
  ])('gets nothing for a code with another %s, which is used up by it', async (_, changes) => {
    const before = (await sessions()).length;
    const form = await aCode(await signedIn('olga@operator'));
    expect(await exchange({ ...form, ...changes })).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await exchange(form)).status).toBe(400);
    expect((await sessions()).length).toBe(before);
  });

  it('gets nothing for a code after a minute', async () => {
    const form = await aCode(await signedIn('olga@operator'));
    await bed.rig.ledger.sql(
      "UPDATE estop.client_tickets SET expires_at = expires_at - interval '60 s' WHERE kind = 'code'",
      [],
    );
    expect(await exchange(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('is connected by somebody who is signed in, on a page that was shown to them, from no other site', async () => {
    const url = await asking();
    expect((await openBrowser().open(url)).way.at(-1)).toContain('/sign-in?next=%2Foauth%2Fauthorize');
    const withToken = await fetch(url, { headers: { authorization: 'Bearer olga@admin' }, redirect: 'manual' });
    expect(withToken.status).toBe(403);
    const [olga, vera] = [await signedIn('olga@operator'), await signedIn('vera@viewer')];
    const shown = await olga.open(url);
    const before = (await sessions()).length;
    // A form of another site, which has no proof, and one that was shown to somebody else.
    const bare = { ...shown, text: shown.text.replace(/name="proof"/, 'name="none"') };
    expect((await olga.press(bare, { answer: 'connect', agent: 'coder' })).status).toBe(403);
    expect((await vera.press(shown, { answer: 'connect', agent: 'coder' })).status).toBe(403);
    const cookie = [...(olga.cookies.get(bed.issuer) ?? [])].map((pair) => pair.join('=')).join('; ');
    const fields = [...shown.text.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']): [string, string] => [name, value],
    );
    const body = new URLSearchParams([...fields, ['answer', 'connect'], ['agent', 'coder']]);
    for (const headers of [
      { origin: 'https://evil.example' },
      {},
      { 'origin': bed.issuer, 'sec-fetch-site': 'cross-site' },
    ]) {
      const response = await fetch(`${bed.issuer}/oauth/authorize`, {
        method: 'POST',
        headers: { cookie, ...headers },
        body,
      });
      expect(response.status, JSON.stringify(headers)).toBe(403);
    }
    const made = await fetch(`${bed.issuer}/oauth/authorize`, {
      method: 'POST',
      headers: { authorization: 'Bearer olga@admin' },
      body,
    });
    expect(made.status).toBe(403);
    expect(
      (
        await bed.rig.ledger.sql(
          "SELECT 1 FROM estop.client_tickets WHERE used_at IS NULL AND kind = 'code' AND expires_at > now()",
          [],
        )
      ).length,
    ).toBe(0);
    expect((await sessions()).length).toBe(before);
    const no = answerOf(await olga.press(shown, { answer: 'no' }));
    expect(no.searchParams.get('error')).toBe('access_denied');
  });

  it('is one of the agents that its person owns or may start, and no other', async () => {
    const vera = await signedIn('vera@viewer');
    const shown = await vera.open(await asking());
    expect([shown.text.includes('<option>coder'), shown.text.includes('<option>other')]).toEqual([true, false]);
    expect((await vera.press(shown, { answer: 'connect', agent: 'other' })).status).toBe(403);
    expect((await vera.press(shown, { answer: 'connect', agent: 'coder' })).status).toBe(200);
    // Both stand in the audit, as what they were.
    const { items } = await auditTrail(bed.rig.ledger.as('estop_control'), { actor: 'vera' }, 10);
    expect(items.filter(({ kind }) => /^(client|request)/.test(kind))).toMatchObject([
      { kind: 'client.connected', method: 'console', subject: 'agent:coder', after: { session: expect.any(String) } },
      { kind: 'request.denied', method: 'console', detail: { what: 'connectClient', code: 'forbidden' } },
    ]);
    const nobody = await (await signedIn('vick@viewer')).open(await asking());
    expect(nobody.text).toContain('No agent is yours to connect');
    expect(nobody.text).not.toContain('<b>editor</b>');
  });

  describe('whose person is not what they were', () => clientsEnd(bed));

  it('that asks for tokens without end loses its session, and fills nothing', async () => {
    const form = await aCode(await signedIn('olga@operator'));
    const given = await exchange(form);
    await bed.rig.ledger.sql(
      `INSERT INTO estop.client_tickets (ticket_hash, kind, client_hash, redirect, challenge, resource, agent_id, actor, person, person_id,
          task_id, expires_at, used_at)
        SELECT sha256(n::text::bytea), kind, client_hash, redirect, challenge, resource, agent_id, actor, person, person_id, task_id,
          expires_at, clock_timestamp() FROM estop.client_tickets, generate_series(1, 240) n
        WHERE kind = 'refresh' AND used_at IS NULL AND task_id = $1`,
      [(await sessions()).at(-1)?.['task_id']],
    );
    const refresh_token = String(given.body['refresh_token']);
    const more = { grant_type: 'refresh_token', refresh_token, client_id: form.client_id };
    expect(await exchange(more)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await sessions()).at(-1)?.['open']).toBe(false);
  });

  it('gets no session while a stop of the agent is in force, nor after its reset with what was allowed before that', async () => {
    const browser = await signedIn('olga@operator');
    const [form, later] = [await aCode(browser), await aCode(browser)];
    const { stopId } = await stop(bed.rig.ledger, 'agent:coder');
    const meanwhile = await aCode(browser);
    expect(await exchange(form)).toMatchObject({ status: 403, body: { error: 'access_denied' } });
    await keepBeating(bed.rig.ledger);
    await until(() => fence(bed.rig.ledger, stopId));
    const [row] = await bed.rig.ledger.sql("SELECT outcome FROM estop.reset($1, 'anna', 'the fault was found')", [
      stopId,
    ]);
    expect(row).toEqual({ outcome: 'reset' });
    for (const one of [later, meanwhile])
      expect(await exchange(one)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await exchange(await aCode(browser))).status).toBe(200);
  });
});
