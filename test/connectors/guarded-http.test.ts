import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardedHttp, type HttpCall, jsonOf } from '../../src/connectors/kit/guarded-http.ts';

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

describe('The guarded HTTP client', () => {
  let server: Server;
  let origin: string;
  let seen: {
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
    readonly method: string;
    readonly body: string;
  }[];
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/json': (response) =>
      void response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{"active":true}'),
    '/html': (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('{"active":true}'),
    '/broken': (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"active":'),
    '/large': (response) => void response.writeHead(200).end('x'.repeat(3_000_000)),
    '/limited': (response) => void response.writeHead(429, { 'retry-after': '7' }).end(),
    '/compressed': (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    '/loop': (response) => void response.writeHead(302, { location: '/loop' }).end(),
    '/once': (response) => void response.writeHead(303, { location: '/json' }).end(),
    '/keep': (response) => void response.writeHead(307, { location: '/json' }).end(),
    '/metadata': (response) =>
      void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
    '/inside': (response) =>
      void response.writeHead(302, { location: `http://localhost:${new URL(origin).port}/json` }).end(),
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
    guardedHttp({
      method: 'GET',
      url: path.startsWith('/') ? `${origin}${path}` : path,
      network: 'loopback',
      signal: soon(),
      ...more,
    });

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
    expect(seen).toMatchObject([
      {
        method: 'POST',
        body: 'token=a+b%26c',
        headers: { host: `localhost:${port}`, 'content-type': 'application/x-www-form-urlencoded' },
      },
    ]);
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
    seen = [];
    await expect(call('/loop', { maxRedirects: 3 })).rejects.toMatchObject({ code: 'connector-garbage' });
    expect(seen).toHaveLength(4);
    for (const path of ['/metadata', '/file'])
      await expect(call(path, { maxRedirects: 3 })).rejects.toMatchObject({ code: 'address-refused' });
    // The trust choice was made for one origin, and another name of this machine is another.
    seen = [];
    await expect(call('/inside', { maxRedirects: 3 })).rejects.toMatchObject({ code: 'address-refused' });
    expect(seen.map(({ path }) => path)).toEqual(['/inside']);
  });

  it('keeps method and body on a 307 to the same origin', async () => {
    seen = [];
    await call('/keep', { method: 'POST', body: 'x', headers: { authorization: 'Bearer canary' }, maxRedirects: 1 });
    expect(seen[1]).toMatchObject({
      path: '/json',
      method: 'POST',
      body: 'x',
      headers: { authorization: 'Bearer canary' },
    });
  });

  it('gives up on what is too large, compressed, or never comes', async () => {
    await expect(call('/large')).rejects.toMatchObject({ code: 'connector-garbage' });
    await expect(call('/compressed')).rejects.toMatchObject({ code: 'connector-garbage' });
    await expect(call('/hang', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'connector-unavailable' });
    await expect(call('/hang', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      code: 'connector-unavailable',
    });
    await expect(call('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'connector-unavailable' });
  });

  it('reads the answer that came while this process was starved for longer than its patience', async () => {
    const answer = call('/json', { timeoutMs: 1_000 });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
    expect(jsonOf(await answer)).toEqual({ active: true });
  });

  it('names neither path nor query nor header nor body in an error', async () => {
    const thrown = await call('/hang?token=canary-1', {
      method: 'POST',
      body: 'canary-2',
      headers: { authorization: 'canary-3' },
      timeoutMs: 50,
    }).catch((error: unknown) => error);
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
