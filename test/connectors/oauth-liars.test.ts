import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oauth } from '../../src/connectors/oauth/index.ts';
import { errorCodeOf } from '../../src/core/errors.ts';
import { type Bench, healthyMs, within } from './bench-of.ts';
import type { OauthRig } from './oauth.rig.ts';
import { connectorOf, startOn } from './oauth-bench.ts';

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly type?: string;
}

describe('a server that is no honest OAuth server', () => {
  /** Publishes metadata whose endpoints lie at `base`, and answers everything else as it is told. */
  async function startLiar(answers: Readonly<Record<string, Answer>>, base?: string) {
    const arrived: string[] = [];
    const server = createServer((request, response) => {
      const own = `http://${request.headers.host}`;
      if (request.url?.startsWith('/.well-known') === true) {
        const endpoints = ['token', 'revocation', 'introspection', 'registration'].map((name) => [
          `${name}_endpoint`,
          `${base ?? own}/${name}`,
        ]);
        response.setHeader('content-type', 'application/json');
        return void response.end(JSON.stringify({ issuer: own, ...Object.fromEntries(endpoints) }));
      }
      arrived.push(`${request.method} ${request.url}`);
      const { status, body, type } = answers[request.url ?? ''] ?? { status: 404, body: {} };
      response.writeHead(status, { 'content-type': type ?? 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    servers.push(server);
    return { url: `http://127.0.0.1:${address.port}`, arrived };
  }
  const servers: Server[] = [];
  let rig: OauthRig;
  let bench: Bench;
  beforeAll(async () => {
    ({ rig, bench } = await startOn('opaque'));
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });
  const issueBy = (issuer: string) =>
    connectorOf(rig, () => new Date(), { issuer }).issue(bench.plan(), within(healthyMs));

  it('does not lead the connector by its metadata to another private address, where its secrets would arrive', async () => {
    const elsewhere = await startLiar({});
    const liar = await startLiar({}, elsewhere.url);
    expect(await issueBy(liar.url).catch(errorCodeOf)).toBe('address-refused');
    expect(elsewhere.arrived).toEqual([]);
  });

  const registered = (at: string) => ({
    client_id: 'c',
    client_secret: 's',
    registration_client_uri: `${at}/registration/c`,
    registration_access_token: 't',
  });

  it('does not lead the connector to another origin by a registration', async () => {
    const elsewhere = await startLiar({});
    const liar = await startLiar({
      '/registration': { status: 201, body: registered(elsewhere.url) },
      '/token': { status: 200, body: { access_token: 'opaque', expires_in: 60, token_type: 'Bearer' } },
    });
    expect(await issueBy(liar.url).catch(errorCodeOf)).toBe('connector-garbage');
    expect(elsewhere.arrived).toEqual([]);
  });

  it('does not hide the end of a token behind a shorter one', async () => {
    const claims = { exp: Math.floor(Date.now() / 1_000) + 365 * 86_400 };
    const jwt = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
    const answers: Record<string, Answer> = {
      '/token': { status: 200, body: { access_token: jwt, expires_in: 60, token_type: 'Bearer' } },
    };
    const liar = await startLiar(answers);
    answers['/registration'] = { status: 201, body: registered(liar.url) };
    expect(await issueBy(liar.url).catch(errorCodeOf)).toBe('config-invalid');
  });

  it('puts no words of its own into our errors', async () => {
    const liar = await startLiar({ '/registration': { status: 400, body: { error: '\u001b[2Jall is well' } } });
    const thrown: unknown = await issueBy(liar.url).catch((error: unknown) => error);
    expect([errorCodeOf(thrown), String(thrown)]).toEqual([
      'connector-garbage',
      expect.not.stringContaining('all is well'),
    ]);
  });

  it('with a page for people where the resource should be, neither admits nor denies', async () => {
    const portal = await startLiar({ '/resource': { status: 200, body: '<!doctype html>', type: 'text/html' } });
    const connector = connectorOf(rig, () => new Date(), { resourceUrl: `${portal.url}/resource` });
    const { grant } = await bench.issue(bench.plan());
    await bench.connector.cut('fence', grant, within(healthyMs));
    expect((await connector.probe(grant, within(healthyMs))).kind).toBe('inconclusive');
    expect((await connector.control(grant, within(healthyMs))).kind).toBe('not-allowed');
    for (const phase of oauth.phases) await bench.connector.cut(phase, grant, within(healthyMs));
  });
});
