import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { oauth } from '../../src/connectors/oauth/index.ts';
import { agentPart, keptField } from '../../src/contract/grant-secret.ts';
import { errorCodeOf } from '../../src/core/errors.ts';
import { type Bench, healthyMs, within } from './bench-of.ts';
import { type OauthRig, statusAt } from './oauth.rig.ts';
import { connectorOf, startOn } from './oauth-bench.ts';

const kept = (secret: GrantSecret, name: string): string => String(secret[keptField(name)]);
const ask = (form: Record<string, string>, id: string, secret: string, url: string): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
  });

describe('an OAuth server with opaque tokens', () => {
  let rig: OauthRig;
  let bench: Bench;
  let own: string;
  beforeAll(async () => {
    ({ rig, bench } = await startOn('opaque'));
    own = `http://127.0.0.1:${rig.server.port}`;
  });
  const issued = () => bench.issue(bench.plan());
  const cut = (phase: (typeof oauth.phases)[number], grant: LedgerGrant) =>
    bench.connector.cut(phase, grant, within(healthyMs));
  const probe = (grant: LedgerGrant) => bench.connector.probe(grant, within(healthyMs));
  const mintWith = (secret: GrantSecret, form: Record<string, string> = { grant_type: 'client_credentials' }) =>
    ask(form, kept(secret, 'clientId'), kept(secret, 'clientSecret'), `${own}/token`);

  it('keeps the tokens of a deleted client alive (F1): so clients are deleted last, and until its end such a token is residual', async () => {
    const { grant, secret } = await issued();
    expect((await cut('disable-integration', grant)).kind).toBe('revoked');
    expect(await statusAt(rig.server.resourceUrl, String(secret['accessToken']))).toBe(200);
    expect(await cut('revoke-credential', grant)).toMatchObject({ kind: 'residual-until', until: secret['expiresAt'] });
    expect((await probe(grant)).kind).toBe('allowed');
    expect(oauth.phases.indexOf('disable-integration')).toBe(oauth.phases.length - 1);
  });

  it('mints a new token right after one was revoked (F3): so the right to mint goes first', async () => {
    const { grant, secret } = await issued();
    expect((await cut('revoke-credential', grant)).kind).toBe('revoked');
    expect((await mintWith(secret)).status).toBe(200);
    expect((await probe(grant)).kind).toBe('allowed');
    expect((await cut('fence', grant)).kind).toBe('revoked');
    expect((await mintWith(secret)).status).toBe(400);
    expect((await probe(grant)).kind).toBe('denied');
    expect(oauth.phases[0]).toBe('fence');
  });

  it('ends all tokens of a Grant with one of them (F4)', async () => {
    const client = { id: 'has-a-grant', secret: 'the secret of a client that people gave a Grant' };
    rig.store.set('Client', client.id, {
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['https://client.example/back'],
    });
    const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;
    const common = {
      accountId: 'somebody',
      clientId: client.id,
      grantId: 'grant-1',
      exp: inAnHour,
      iat: inAnHour - 3_600,
    };
    rig.store.set('Grant', 'grant-1', {
      ...common,
      kind: 'Grant',
      jti: 'grant-1',
      openid: { scope: 'openid offline_access' },
    });
    rig.store.set('RefreshToken', 'refresh-1', {
      ...common,
      kind: 'RefreshToken',
      jti: 'refresh-1',
      scope: 'openid offline_access',
    });
    rig.store.set('AccessToken', 'access-1', { ...common, kind: 'AccessToken', jti: 'access-1', scope: 'openid' });
    const isActive = async () => {
      const answer = await ask({ token: 'access-1' }, client.id, client.secret, `${own}/token/introspection`);
      return ((await answer.json()) as { active: unknown }).active; // an introspection reply, RFC 7662
    };
    expect(await isActive()).toBe(true);
    await ask({ token: 'refresh-1' }, client.id, client.secret, `${own}/token/revocation`);
    expect(await isActive()).toBe(false);
    const renewed = await ask(
      { grant_type: 'refresh_token', refresh_token: 'refresh-1' },
      client.id,
      client.secret,
      `${own}/token`,
    );
    expect([renewed.status, await renewed.json()]).toMatchObject([400, { error: 'invalid_grant' }]);
  });

  it('gives the client of a grant nothing that lives in a Grant of its own (F4)', async () => {
    const { grant, secret } = await issued();
    const forms = [
      { grant_type: 'refresh_token', refresh_token: 'any' },
      { grant_type: 'authorization_code', code: 'any', redirect_uri: 'https://client.example/back' },
      { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: String(secret['accessToken']) },
      { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'any' },
      { grant_type: 'password', username: 'somebody', password: 'any' },
    ];
    for (const form of forms) expect((await mintWith(secret, form)).status, form.grant_type).toBe(400);
    for (const phase of oauth.phases) await cut(phase, grant);
  });

  it('is told no secret of the client by which the agent could mint', async () => {
    const { grant, secret } = await issued();
    expect(Object.keys(agentPart(secret))).toEqual(['accessToken', 'expiresAt', 'resourceUrl']);
    for (const phase of oauth.phases) await cut(phase, grant);
  });

  it('keeps no token that a probe has minted', async () => {
    const { grant, secret } = await issued();
    expect((await probe(grant)).kind).toBe('allowed');
    expect(rig.store.ids('ClientCredentials', kept(secret, 'clientId'))).toEqual([secret['accessToken']]);
    for (const phase of oauth.phases) await cut(phase, grant);
  });

  it('keeps no token that a self-check has minted, which would outlive its client', async () => {
    const before = rig.store.ids('ClientCredentials');
    expect((await bench.connector.selfCheck(within(healthyMs))).ok).toBe(true);
    expect(rig.store.ids('ClientCredentials')).toEqual(before);
  });

  it('has nothing issued that would outlive its grant', async () => {
    const soon = { ...bench.plan(), absoluteEnd: new Date(Date.now() + 60_000).toISOString() };
    expect(await bench.issue(soon).catch(errorCodeOf)).toBe('config-invalid');
    expect(rig.store.clientsNamed(String(soon.handle['clientName']))).toEqual([]);
  });

  it('lost the reply to a registration: nothing is claimed before the absolute end, and nobody has the credential', async () => {
    const grant = bench.plan();
    await rig.proxy.addToxic('lost', { type: 'execute_then_drop_reply', marker: 'POST /reg' });
    expect(await bench.issue(grant).catch(errorCodeOf)).toBe('connector-unavailable');
    await rig.proxy.removeToxic();
    expect(rig.store.clientsNamed(String(grant.handle['clientName']))).toHaveLength(1);

    for (const phase of oauth.phases) expect((await cut(phase, grant)).kind).toBe('not-found-unconfirmed');
    expect(await bench.connector.lists(grant, within(healthyMs))).toBe('unknown');
    expect(await probe(grant)).toMatchObject({ kind: 'residual-until', until: grant.absoluteEnd });

    const later = connectorOf(rig, () => new Date(Date.parse(grant.absoluteEnd) + 1));
    expect(await later.lists(grant, within(healthyMs))).toBe('absent');
    expect(await later.probe(grant, within(healthyMs))).toMatchObject({ kind: 'denied', evidence: 'issuer-attested' });
  });

  it('asks the issuer alone where no resource is known, and says that this is weaker', async () => {
    const connector = connectorOf(rig, () => new Date(), { resourceUrl: undefined });
    const { grant } = await issued();
    expect((await connector.probe(grant, within(healthyMs))).kind).toBe('allowed');
    for (const phase of oauth.phases) await cut(phase, grant);
    expect(await connector.probe(grant, within(healthyMs))).toMatchObject({
      kind: 'denied',
      evidence: 'issuer-attested',
    });
    expect((await connector.control(grant, within(healthyMs))).kind).toBe('allowed');
    expect((await connector.selfCheck(within(healthyMs))).findings.join()).toMatch(/resourceUrl/);
  });

  it('is not believed when it says 200 and leaves the client its grant types', async () => {
    const { grant, secret } = await issued();
    const body = JSON.stringify({ client_id: kept(secret, 'clientId'), grant_types: ['client_credentials'] });
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
    await rig.proxy.addToxic('lies', { type: 'reply_with', bytes: `${head}${body}` });
    expect((await cut('fence', grant)).kind).toBe('needs-human');
    await rig.proxy.removeToxic();
    for (const phase of oauth.phases) expect((await cut(phase, grant)).kind).toBe('revoked');
  });

  it('names the initial access token when that is what is missing', async () => {
    const connector = connectorOf(rig, () => new Date(), { initialAccessToken: { env: 'CONTROL_SECRET' } });
    const check = await connector.selfCheck(within(healthyMs));
    expect(check.ok).toBe(false);
    expect(check.findings.join()).toMatch(/initial access token/);
    expect(await connector.issue(bench.plan(), within(healthyMs)).catch(errorCodeOf)).toBe('connector-refused');
  });
});

describe('an OAuth server whose tokens are JWTs', () => {
  it('cannot take one back (F2): it is named as residual with its end, and proved dead only after it', async () => {
    const { rig, bench } = await startOn('jwt', { tokenLifeSeconds: 3 });
    const { grant, secret } = await bench.issue(bench.plan());
    const results = [];
    for (const phase of oauth.phases) results.push(await bench.connector.cut(phase, grant, within(healthyMs)));
    expect(results).toMatchObject([
      { kind: 'revoked' },
      { kind: 'residual-until', until: secret['expiresAt'] },
      { kind: 'revoked' },
    ]);
    expect(await bench.connector.probe(grant, within(healthyMs))).toMatchObject({
      kind: 'residual-until',
      until: secret['expiresAt'],
    });
    expect(await statusAt(rig.server.resourceUrl, String(secret['accessToken']))).toBe(200);

    await vi.waitFor(
      async () => expect(await statusAt(rig.server.resourceUrl, String(secret['accessToken']))).toBe(401),
      { timeout: 20_000, interval: 200 },
    );
    expect(await bench.connector.probe(grant, within(healthyMs))).toMatchObject({
      kind: 'denied',
      evidence: 'credential-probed',
    });
    expect((await bench.connector.selfCheck(within(healthyMs))).findings.join()).toMatch(/self-contained/);
  });

  it('is waited for by the clock alone where no resource is known', async () => {
    const { rig, bench } = await startOn('jwt');
    const { grant, secret } = await bench.issue(bench.plan());
    for (const phase of oauth.phases) await bench.connector.cut(phase, grant, within(healthyMs));
    const probeAt = (now: () => Date) =>
      connectorOf(rig, now, { resourceUrl: undefined }).probe(grant, within(healthyMs));
    expect((await probeAt(() => new Date())).kind).toBe('residual-until');
    const over = () => new Date(Date.parse(String(secret['expiresAt'])) + 1);
    // A resource that still takes it then is not waited for any longer: that is access, not a remainder.
    expect((await connectorOf(rig, over).probe(grant, within(healthyMs))).kind).toBe('allowed');
    expect(await probeAt(over)).toMatchObject({ kind: 'denied', evidence: 'issuer-attested' });
  });
});

describe('an OAuth server that rotates registration tokens', () => {
  it('can be cut off at, but its clients cannot be deleted: a person is told, before it is needed', async () => {
    const { bench } = await startOn('opaque', { rotateRegistrationTokens: true });
    const check = await bench.connector.selfCheck(within(healthyMs));
    expect([check.ok, check.findings.join()]).toEqual([false, expect.stringMatching(/rotate/)]);
    const { grant } = await bench.issue(bench.plan());
    const kindOf = async (phase: (typeof oauth.phases)[number]) =>
      (await bench.connector.cut(phase, grant, within(healthyMs))).kind;
    expect(await kindOf('fence')).toBe('revoked');
    expect(await kindOf('fence')).toBe('already-gone');
    expect(await kindOf('revoke-credential')).toBe('revoked');
    expect(await kindOf('disable-integration')).toBe('needs-human');
    expect((await bench.connector.probe(grant, within(healthyMs))).kind).toBe('denied');
  });
});
