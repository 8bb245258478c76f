import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseAddress, network, rangeOf, resolveAddress } from '../../src/connectors/kit/address.ts';
import type { Connector } from '../../src/connectors/kit/contract.ts';
import { guardedHttp, type HttpCall, jsonOf } from '../../src/connectors/kit/guarded-http.ts';
import { controlName, principalName, sharedName } from '../../src/connectors/kit/names.ts';
import { unexpectedReply } from '../../src/connectors/kit/results.ts';
import { retryAfterMs } from '../../src/connectors/kit/retry-after.ts';
import { secretReference } from '../../src/connectors/kit/secret-reference.ts';
import { tidier } from '../../src/connectors/kit/tidier.ts';
import { totalConnector } from '../../src/connectors/kit/total-connector.ts';
import { EstopError } from '../../src/core/errors.ts';

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

describe('Addresses that a connector may reach', () => {
  it.each([
    ['1.1.1.1', 'public'],
    ['2606:4700::1111', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12::1', 'private'],
    // Cloud metadata, under every name it has.
    ['169.254.169.254', 'refused'],
    ['100.100.100.200', 'refused'],
    ['168.63.129.16', 'refused'],
    ['fd00:ec2::254', 'refused'],
    ['0.0.0.0', 'refused'],
    ['255.255.255.255', 'refused'],
    ['224.0.0.1', 'refused'],
    ['198.18.0.1', 'refused'],
    ['::', 'refused'],
    ['fe80::1', 'refused'],
    ['fe80::1%eth0', 'refused'],
    ['ff02::1', 'refused'],
    // IPv4 in IPv6 clothes: mapped, NAT64, 6to4, Teredo.
    ['::ffff:127.0.0.1', 'refused'],
    ['::ffff:1.1.1.1', 'refused'],
    ['64:ff9b::7f00:1', 'refused'],
    ['2002:7f00:1::', 'refused'],
    ['2001:0:7f00:1::', 'refused'],
    ['not an address', 'refused'],
  ])('%s is %s', (ip, range) => {
    expect(rangeOf(ip)).toBe(range);
  });

  it('are checked after the name was resolved, for what it resolved to', async () => {
    expect((await resolveAddress('localhost', 'loopback', soon())).ip).toMatch(/^(127\.0\.0\.1|::1)$/);
    await expect(resolveAddress('localhost', 'public', soon())).rejects.toMatchObject({ code: 'address-refused' });
    await expect(resolveAddress('localhost', 'private', soon())).rejects.toMatchObject({ code: 'address-refused' });
    await expect(resolveAddress('10.0.0.1', 'loopback', soon())).rejects.toMatchObject({ code: 'address-refused' });
    await expect(resolveAddress('169.254.169.254', 'private', soon())).rejects.toMatchObject({ code: 'address-refused' });
  });

  it('are all refused if a name has one that is not allowed', () => {
    const outside = { ip: '1.1.1.1', family: 4 } as const;
    const inside = { ip: '10.0.0.1', family: 4 } as const;
    expect(chooseAddress('x', [outside], 'public')).toEqual(outside);
    expect(chooseAddress('x', [inside, outside], 'private')).toEqual(inside);
    expect(() => chooseAddress('x', [outside, inside], 'public')).toThrow(expect.objectContaining({ code: 'address-refused' }));
    expect(() => chooseAddress('x', [], 'public')).toThrow(expect.objectContaining({ code: 'connector-unavailable' }));
  });

  it('are public alone, unless somebody chose otherwise', () => {
    expect(network.parse(undefined)).toBe('public');
    expect(network.safeParse('everything').success).toBe(false);
  });
});

describe('The guarded HTTP client', () => {
  let server: Server;
  let origin: string;
  let seen: { readonly path: string; readonly headers: IncomingMessage['headers']; readonly method: string; readonly body: string }[];
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/json': (response) => void response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{"active":true}'),
    '/html': (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('{"active":true}'),
    '/broken': (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"active":'),
    '/large': (response) => void response.writeHead(200).end('x'.repeat(3_000_000)),
    '/limited': (response) => void response.writeHead(429, { 'retry-after': '7' }).end(),
    '/compressed': (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    '/loop': (response) => void response.writeHead(302, { location: '/loop' }).end(),
    '/once': (response) => void response.writeHead(303, { location: '/json' }).end(),
    '/keep': (response) => void response.writeHead(307, { location: '/json' }).end(),
    '/metadata': (response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
    '/inside': (response) => void response.writeHead(302, { location: `http://localhost:${new URL(origin).port}/json` }).end(),
    '/file': (response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/hang': () => undefined,
  };

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += String(piece);
      seen.push({ path: request.url ?? '', headers: request.headers, method: request.method ?? '', body });
      (answers[request.url ?? ''] ?? ((one) => void one.writeHead(404).end()))(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    origin = `http://127.0.0.1:${address.port}`;
    seen = [];
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const call = (path: string, more: Partial<HttpCall> = {}) =>
    guardedHttp({ method: 'GET', url: path.startsWith('/') ? `${origin}${path}` : path, network: 'loopback', signal: soon(), ...more });

  it('gives status, headers and body, and JSON only of what says it is JSON', async () => {
    expect(jsonOf(await call('/json'))).toEqual({ active: true });
    for (const path of ['/html', '/broken']) {
      const reply = await call(path);
      expect(() => jsonOf(reply)).toThrow(expect.objectContaining({ code: 'connector-garbage' }));
    }
    expect(await call('/limited')).toMatchObject({ status: 429, retryAfterMs: 7_000 });
  });

  it('sends a form as a form, with the name that was asked for in the Host header', async () => {
    const { port } = new URL(origin);
    seen = [];
    await call(`http://localhost:${port}/json`, { method: 'POST', body: new URLSearchParams({ token: 'a b&c' }) });
    expect(seen).toMatchObject([{ method: 'POST', body: 'token=a+b%26c', headers: { host: `localhost:${port}`, 'content-type': 'application/x-www-form-urlencoded' } }]);
  });

  it.each([
    ['loopback without being told so', { network: 'public' }],
    ['loopback where private was chosen', { network: 'private' }],
    ['a decimal address', { url: 'http://2130706433/', network: 'public' }],
    ['an octal address', { url: 'https://0177.0.0.1/', network: 'public' }],
    ['a hexadecimal address', { url: 'https://0x7f.1/', network: 'public' }],
    ['a mapped address', { url: 'https://[::ffff:127.0.0.1]/', network: 'public' }],
    ['0.0.0.0', { url: 'http://0.0.0.0/', network: 'loopback' }],
    ['[::]', { url: 'http://[::]/', network: 'loopback' }],
    ['cloud metadata', { url: 'http://169.254.169.254/latest', network: 'private' }],
    ['a user name in the URL', { url: 'http://user:canary-pw@127.0.0.1/', network: 'loopback' }],
    ['another scheme', { url: 'file:///etc/passwd', network: 'loopback' }],
    ['plain http in public', { url: 'http://1.1.1.1/', network: 'public' }],
    ['no URL at all', { url: 'canary-pw', network: 'loopback' }],
  ] as const)('does not reach %s', async (_what, more) => {
    seen = [];
    const thrown = await call('/json', more).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'address-refused' });
    expect(String(thrown)).not.toContain('canary-pw');
    expect(seen).toEqual([]);
  });

  it('takes a redirect as an answer unless told to follow, and checks every hop', async () => {
    expect((await call('/once')).status).toBe(303);
    expect((await call('/once', { method: 'POST', body: 'x', maxRedirects: 2 })).status).toBe(200);
    await expect(call('/loop', { maxRedirects: 3 })).rejects.toMatchObject({ code: 'connector-garbage' });
    for (const path of ['/metadata', '/file']) await expect(call(path, { maxRedirects: 3 })).rejects.toMatchObject({ code: 'address-refused' });
    // The trust choice was made for one origin, and another name of this machine is another.
    seen = [];
    await expect(call('/inside', { maxRedirects: 3 })).rejects.toMatchObject({ code: 'address-refused' });
    expect(seen.map(({ path }) => path)).toEqual(['/inside']);
  });

  it('keeps method and body on a 307 to the same origin', async () => {
    seen = [];
    await call('/keep', { method: 'POST', body: 'x', headers: { authorization: 'Bearer canary' }, maxRedirects: 1 });
    expect(seen[1]).toMatchObject({ path: '/json', method: 'POST', body: 'x', headers: { authorization: 'Bearer canary' } });
  });

  it('gives up on what is too large, compressed, or never comes', async () => {
    await expect(call('/large')).rejects.toMatchObject({ code: 'connector-garbage' });
    await expect(call('/compressed')).rejects.toMatchObject({ code: 'connector-garbage' });
    await expect(call('/hang', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'connector-unavailable' });
    await expect(call('/hang', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'connector-unavailable' });
    await expect(call('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'connector-unavailable' });
  });

  it('names neither path nor query nor header nor body in an error', async () => {
    const thrown = await call('/hang?token=canary-1', { method: 'POST', body: 'canary-2', headers: { authorization: 'canary-3' }, timeoutMs: 50 }).catch((error: unknown) => error);
    expect(`${String(thrown)} ${JSON.stringify(thrown)}`).not.toMatch(/canary|hang/);
  });

  it('offers the NAME to a TLS server although it connects to the address that was checked', async () => {
    const names: string[] = [];
    const tls = createTlsServer({
      SNICallback: (name, done) => {
        names.push(name);
        done(new Error('no certificate here'));
      },
    });
    tls.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    const address = tls.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    await expect(call(`https://localhost:${address.port}/`)).rejects.toMatchObject({ code: 'connector-unavailable' });
    expect(names).toEqual(['localhost']);
    tls.close();
  });
});

describe('What an answer to our own credential means', () => {
  const reply = (status: number, wait?: number) => ({ status, headers: {}, contentType: 'text/html', body: '<b>', retryAfterMs: wait });
  it.each([
    [401, 'needs-human'],
    [403, 'needs-human'],
    [404, 'not-found-unconfirmed'],
    [429, 'retryable'],
    [500, 'retryable'],
    [503, 'retryable'],
    [200, 'retryable'],
    [302, 'retryable'],
  ] as const)('%i means %s', (status, kind) => {
    expect(unexpectedReply(reply(status), 'revoke').kind).toBe(kind);
  });

  it('keeps the wait that the system asked for, within reason', () => {
    const now = new Date('2026-11-20T10:00:00Z');
    expect(retryAfterMs('7', now)).toBe(7_000);
    expect(retryAfterMs('Fri, 20 Nov 2026 10:00:30 GMT', now)).toBe(30_000);
    expect(retryAfterMs('Fri, 20 Nov 2026 09:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('86400', now)).toBe(300_000);
    expect(retryAfterMs('tomorrow', now)).toBeUndefined();
    expect(retryAfterMs(undefined, now)).toBeUndefined();
    expect(unexpectedReply(reply(429, 7_000), 'revoke')).toMatchObject({ retryAfterMs: 7_000 });
  });
});

describe('Names of what is created', () => {
  const plain = /^[a-z0-9_]{1,63}$/;

  it('are plain and short, whatever a grant id, an agent or a connector holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(Number.MAX_SAFE_INTEGER), fc.stringMatching(/^[a-z][a-z0-9]{0,15}$/), (text, epoch, environment) => {
        expect(principalName({ environment, epoch, grantId: text })).toMatch(plain);
        expect(sharedName(environment, text)).toMatch(plain);
        expect(controlName(environment, text)).toMatch(plain);
        expect(principalName({ environment, epoch, grantId: text })).toContain(`_e${epoch}_`);
      }),
      { numRuns: 50 },
    );
  });

  it('differ for every grant', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => principalName({ environment: 'dev', epoch: 1, grantId: `g${index}` }));
    expect(new Set(names).size).toBe(names.length);
  });

  it('are never made for an environment or an epoch that is none', () => {
    for (const environment of ['', 'Dev', 'a-b', "x'; --", 'a'.repeat(17)]) expect(() => principalName({ environment, epoch: 1, grantId: 'g' })).toThrow(EstopError);
    for (const epoch of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => principalName({ environment: 'dev', epoch, grantId: 'g' })).toThrow(EstopError);
  });
});

describe('A secret in estop.yaml', () => {
  it('is a reference to a file or a variable, never a value', () => {
    expect(secretReference.safeParse({ file: '/run/secrets/x' }).success).toBe(true);
    expect(secretReference.safeParse({ env: 'TARGET_PASSWORD' }).success).toBe(true);
    for (const value of ['hunter2', { value: 'hunter2' }, { env: 'A=B' }, { env: '' }, { file: '' }, { file: 'a', env: 'B' }]) expect(secretReference.safeParse(value).success).toBe(false);
  });
});

describe('A connector that throws', () => {
  const throwing = (thrown: unknown): Connector => {
    const fail = (): Promise<never> => Promise.reject(thrown as Error); // whatever foreign code may throw
    return totalConnector({ plan: () => ({ target: 't', handle: {} }), issue: fail, cut: fail, probe: fail, control: fail, lists: fail, selfCheck: fail, close: async () => undefined });
  };
  const grant = { grantId: 'g', environment: 'dev', agentId: 'a', taskId: 't', epoch: 1, target: 't', handle: {}, secret: undefined, absoluteEnd: '2026-01-01T00:00:00Z', state: 'issued' } as const;
  const context = { signal: soon() };

  it.each([
    ['connector-unavailable', 'retryable'],
    ['connector-garbage', 'retryable'],
    ['connector-refused', 'needs-human'],
    ['secret-missing', 'needs-human'],
    ['address-refused', 'needs-human'],
  ] as const)('%s becomes %s, and never a denial', async (code, kind) => {
    const connector = throwing(new EstopError(code, { detail: 'said by us' }));
    expect(await connector.cut('fence', grant, context)).toEqual({ kind, why: 'said by us' });
    expect(await connector.probe(grant, context)).toEqual({ kind: 'inconclusive', why: 'said by us' });
    expect(await connector.control(grant, context)).toEqual({ kind: 'not-allowed', why: 'said by us' });
    expect(await connector.selfCheck(context)).toEqual({ ok: false, findings: ['said by us'] });
    await expect(connector.issue(grant, context)).rejects.toMatchObject({ code });
    await expect(connector.lists(grant, context)).rejects.toMatchObject({ code });
  });

  it('may also throw at once, before there is a promise', async () => {
    const fail = (): never => {
      throw new EstopError('secret-missing', { detail: 'said by us' });
    };
    const connector = totalConnector({ plan: () => ({ target: 't', handle: {} }), issue: fail, cut: fail, probe: fail, control: fail, lists: fail, selfCheck: fail, close: async () => undefined });
    expect((await connector.cut('fence', grant, context)).kind).toBe('needs-human');
    expect((await connector.probe(grant, context)).kind).toBe('inconclusive');
    expect((await connector.control(grant, context)).kind).toBe('not-allowed');
    expect((await connector.selfCheck(context)).ok).toBe(false);
    await expect(connector.issue(grant, context)).rejects.toMatchObject({ code: 'secret-missing' });
  });

  it.each([new Error('canary'), Object.assign(new Error('canary'), { code: 'ECONNRESET' }), 'canary', null])('has a foreign error (%#) told in our own words', async (thrown) => {
    const connector = throwing(thrown);
    const cut = await connector.cut('fence', grant, context);
    const said = [cut, await connector.probe(grant, context), await connector.control(grant, context), await connector.selfCheck(context)];
    expect(JSON.stringify(said)).not.toContain('canary');
    expect(cut.kind).toBe('retryable');
    const error: unknown = await connector.issue(grant, context).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'internal' });
    expect(String(error)).not.toContain('canary');
  });
});

describe('Tidying up', () => {
  it('runs off the path, at most once a minute, survives a failure, and ends with the connector', async () => {
    let now = 0;
    let runs = 0;
    const tidy = tidier(() => new Date(now));
    const work = (signal: AbortSignal): Promise<void> => {
      runs += 1;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    tidy.start(work);
    tidy.start(work);
    expect(runs).toBe(1);
    now += 60_000;
    tidy.start(work);
    expect(runs).toBe(2);
    await tidy.stop();
    now += 60_000;
    tidy.start(work);
    expect(runs).toBe(2);
  });
});
