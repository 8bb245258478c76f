import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSignIn, type EstopConfig, type SignInSpec } from '../../src/contract/config.ts';
import type { Log } from '../../src/contract/identity.ts';
import { createClientDocuments } from '../../src/control/agent-clients/client-documents.ts';
import { type GuardedFetch, guardedFetch } from '../../src/runtime/guarded-fetch.ts';
import { type Authority, type Identity, makeAuthority } from '../kit/certificates.ts';
import { requires } from '../kit/requires.ts';
import { startDocumentServer } from './document-server.ts';

/** Each rule was taken out once, and the test beside it went red. */
describe('the document at the address that a client has for its id', () => {
  let published: Awaited<ReturnType<typeof startDocumentServer>>;
  const warned: unknown[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (what: unknown) => void warned.push(what),
    error: () => undefined,
  };
  beforeAll(async () => {
    published = await startDocumentServer();
  });

  function reader(reach: SignInSpec['clientDocuments'] | 'unsaid' = 'loopback', fetch: GuardedFetch = guardedFetch) {
    let time = 0;
    const signIn = reach === 'unsaid' ? undefined : { ...defaultSignIn, clientDocuments: reach };
    const config = { current: () => ({ signIn }) as unknown as EstopConfig }; // nothing else of it is looked at
    const documents = createClientDocuments({ config, fetch, log, now: () => time });
    const read = (id: string, person = 'olga') => documents.read(id, person);
    return { ...documents, read, pass: (ms: number) => void (time += ms) };
  }
  const askedFor = (path: string) => published.asked.filter((one) => one.path === path).length;

  it('says what the client is called, and which redirects are its own', async () => {
    const id = published.describe('/tool.json');
    expect(await reader().read(id)).toEqual({
      clientId: id,
      name: 'A btoolb',
      redirects: ['http://127.0.0.1/callback', 'cursor://anysphere.cursor-mcp/oauth/callback'],
      publishedBy: new URL(id).host,
    });
    // Nothing of ours goes to whoever wrote it.
    const headers = published.asked.at(-1)?.headers;
    expect([headers?.authorization, headers?.cookie, headers?.accept]).toEqual([
      undefined,
      undefined,
      'application/json',
    ]);
  });

  it.each([
    ['is of another client', { client_id: 'https://honest.example/tool.json' }],
    ['spells its id in another way', { client_id: 'HTTP://127.0.0.1/bad.json' }],
    ['has no id', { client_id: undefined }],
    ['publishes a secret', { client_secret: 'hush' }],
    ['says when its secret ends', { client_secret_expires_at: 0 }],
    ['wants no code', { grant_types: ['client_credentials'] }],
    ['wants a token at once', { response_types: ['token'] }],
    ['has no redirect', { redirect_uris: [] }],
    ['has redirects to the network alone', { redirect_uris: ['https://tool.example/cb', 'http://10.0.0.1/cb'] }],
    ['has a redirect that is run', { redirect_uris: ['javascript://%0aalert(1)', 'data:text/html,x'] }],
    ['is no object', undefined],
  ])('is not taken if it %s', async (_, changes) => {
    const id = published.describe('/bad.json', changes ?? {});
    if (changes === undefined) published.publish('/bad.json', { body: '"a string"' });
    expect(await reader().read(id)).toBeUndefined();
    expect(askedFor('/bad.json')).toBeGreaterThan(0);
  });

  it.each(['private_key_jwt', 'client_secret_basic', 'tls_client_auth', ''])(
    'is not taken if it proves itself by %s, and that is said of no document but its own',
    async (token_endpoint_auth_method) => {
      const proving = { token_endpoint_auth_method, jwks_uri: 'https://a.example/keys' };
      expect(await reader().read(published.describe('/key.json', proving))).toBe('proves-itself');
      const foreign = { ...proving, client_id: 'https://honest.example/tool.json' };
      expect(await reader().read(published.describe('/key.json', foreign))).toBeUndefined();
    },
  );

  it('is not taken from elsewhere, from a page, in pieces or beyond its bound', async () => {
    const good = published.describe('/good.json');
    const whole = JSON.stringify({ client_id: `${published.origin}/x.json`, redirect_uris: ['http://127.0.0.1/c'] });
    const answers: Readonly<Record<string, Parameters<typeof published.publish>[1]>> = {
      'a redirect': { status: 302, headers: { location: good } },
      'a redirect with a body': { status: 301, headers: { location: good }, body: whole },
      'an error': { status: 500, body: whole },
      'created': { status: 201, body: whole },
      'a page': { headers: { 'content-type': 'text/html' }, body: whole },
      'text': { headers: { 'content-type': 'text/plain; charset=application/json' }, body: whole },
      'half': { body: whole.slice(0, -5) },
      'too much': { body: `${whole.slice(0, -1)},"more":"${'x'.repeat(9_000)}"}` },
    };
    for (const [what, answer] of Object.entries(answers)) {
      const id = published.publish('/x.json', answer);
      expect(await reader().read(id), what).toBeUndefined();
    }
    expect(askedFor('/good.json')).toBe(0);
    expect(await reader().read(published.publish('/x.json', { body: whole }))).toBeDefined();
  });

  it.each([
    ['plain http on the network', 'http://client.example/tool.json'],
    ['a user name', 'https://a@client.example/tool.json'],
    ['a query', 'https://client.example/tool.json?a=b'],
    ['an empty query', 'https://client.example/tool.json?'],
    ['a fragment', 'https://client.example/tool.json#a'],
    ['no path', 'https://client.example/'],
    ['no slash', 'https://client.example'],
    ['a way up', 'https://client.example/a/../tool.json'],
    ['a hidden way up', 'https://client.example/a/%2e%2e/tool.json'],
    ['capitals', 'https://Client.example/tool.json'],
    ['the port that goes without saying', 'https://client.example:443/tool.json'],
    ['a number for this machine', 'https://2130706433/tool.json'],
    ['another number for it', 'https://0x7f.1/tool.json'],
    ['another scheme', 'file:///etc/passwd'],
    ['more than an id may have', `https://client.example/${'a'.repeat(300)}`],
  ])('is not looked for at an address with %s', async (_, id) => {
    const fetched: string[] = [];
    const watching: GuardedFetch = (url) => {
      fetched.push(url);
      return Promise.reject(new Error('fetched'));
    };
    expect(await reader('loopback', watching).read(id)).toBeUndefined();
    expect(fetched).toEqual([]);
  });

  it('is reached on this machine or a private network only where estop.yaml says so, and nowhere at all if it says that', async () => {
    const id = published.describe('/near.json');
    const secure = id.replace('http:', 'https:');
    for (const reach of ['unsaid', 'public', 'private', 'none'] as const) {
      expect(await reader(reach).read(id)).toBeUndefined();
      expect(await reader(reach).read(secure)).toBeUndefined();
    }
    const places = ['169.254.169.254', '[::ffff:a9fe:a9fe]', '10.0.0.1', '0.0.0.0', '[::]', '127.0.0.1', 'localhost'];
    for (const inside of places.map((host) => `https://${host}/a`)) {
      warned.length = 0;
      expect(await reader('public').read(inside)).toBeUndefined();
      expect(JSON.stringify(warned)).toContain('may reach public addresses only');
    }
    expect(askedFor('/near.json')).toBe(0);
    expect([reader('none').isServed(), reader('public').isServed(), reader('unsaid').isServed()]).toEqual([
      false,
      true,
      true,
    ]);
    expect(await reader('loopback').read(id)).toBeDefined();
  });

  it('is asked for once a minute, by one request at a time; and what is not there is not asked for again at once', async () => {
    const documents = reader();
    const id = published.describe('/often.json');
    await Promise.all([documents.read(id), documents.read(id), documents.read(id)]);
    documents.pass(59_000);
    await documents.read(id);
    expect(askedFor('/often.json')).toBe(1);
    published.describe('/often.json', { redirect_uris: ['http://127.0.0.1/other'] });
    documents.pass(2_000);
    expect(await documents.read(id)).toMatchObject({ redirects: ['http://127.0.0.1/other'] });
    const gone = published.publish('/gone.json', { status: 404 });
    for (let round = 0; round < 3; round += 1) expect(await documents.read(gone)).toBeUndefined();
    expect(askedFor('/gone.json')).toBe(1);
    documents.pass(5_001);
    await documents.read(gone);
    expect(askedFor('/gone.json')).toBe(2);
  });

  requires('openssl')('over https', () => {
    let authority: Authority;
    const before = getCACertificates('default');
    beforeAll(() => {
      authority = makeAuthority();
      setDefaultCACertificates([...before, readFileSync(authority.ca, 'utf8')]);
    });
    afterAll(() => setDefaultCACertificates(before));

    it('is taken from whoever shows the certificate of its address, and from nobody else', async () => {
      const address = authority.issue('address', 'subjectAltName=IP:127.0.0.1');
      const name = authority.issue('name', 'subjectAltName=DNS:localhost');
      const over = authority.issue('over', 'subjectAltName=IP:127.0.0.1', -1);
      const stranger = makeAuthority().issue('stranger', 'subjectAltName=IP:127.0.0.1');
      const readFrom = async (identity: Identity, host?: string) => {
        warned.length = 0;
        const server = await startDocumentServer(identity, host);
        const found = await reader().read(server.describe('/tool.json'));
        // Whoever shows the wrong certificate is not even asked.
        return [found !== undefined, server.asked.length, /[A-Z]+_[A-Z_]+/.exec(JSON.stringify(warned))?.[0]];
      };
      expect(await readFrom(address)).toEqual([true, 1, undefined]);
      // The connection goes to an address that was looked up; the certificate is that of the name.
      expect(await readFrom(name, 'localhost')).toEqual([true, 1, undefined]);
      expect(await readFrom(address, 'localhost')).toEqual([false, 0, 'ERR_TLS_CERT_ALTNAME_INVALID']);
      expect(await readFrom(name)).toEqual([false, 0, 'ERR_TLS_CERT_ALTNAME_INVALID']);
      expect(await readFrom(over)).toEqual([false, 0, 'CERT_HAS_EXPIRED']);
      expect(await readFrom(stranger)).toEqual([false, 0, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']);
    });

    it('is not taken from where it is redirected to, from a page, or beyond its bound', async () => {
      const server = await startDocumentServer(authority.issue('server', 'subjectAltName=IP:127.0.0.1'));
      const id = server.describe('/tool.json');
      const whole = JSON.stringify({ client_id: id, redirect_uris: ['http://127.0.0.1/callback'] });
      const near = { status: 307, headers: { location: server.describe('/near.json') } };
      const plain = { status: 302, headers: { location: published.describe('/plain.json') } };
      const page = { headers: { 'content-type': 'text/html' }, body: whole };
      const long = { body: `${whole.slice(0, -1)},"more":"${'x'.repeat(9_000)}"}` };
      for (const answer of [near, plain, page, long]) {
        server.publish('/tool.json', answer);
        expect(await reader().read(id), JSON.stringify(answer).slice(0, 80)).toBeUndefined();
      }
      expect([server.asked.map(({ path }) => path), askedFor('/plain.json')]).toEqual([Array(4).fill('/tool.json'), 0]);
      server.publish('/tool.json', { body: whole });
      expect(await reader().read(id)).toMatchObject({ clientId: id });
    });
  });

  const counted = () => {
    let fetches = 0;
    const documents = reader('public', () => {
      fetches += 1;
      return Promise.reject(new Error('not there'));
    });
    let nth = 0;
    const ask = (person: string) => documents.read(`https://client.example/${(nth += 1)}.json`, person);
    return { ask, pass: documents.pass, fetches: () => fetches };
  };

  it('is fetched sixty times a minute at most, whoever names addresses; what is held is served meanwhile', async () => {
    const { ask, pass, fetches } = counted();
    for (let second = 0; second < 60; second += 1) {
      for (let person = 0; person < 20; person += 1) await ask(`person ${person}`);
      pass(1_000);
    }
    expect(fetches()).toBeGreaterThan(40);
    expect(fetches()).toBeLessThanOrEqual(60);
    pass(60_000);
    const [before] = [fetches(), await ask('person 1')];
    expect(fetches()).toBe(before + 1);
  });

  it('is fetched ten times at once for one person, whatever that one names, and still for others', async () => {
    const { ask, pass, fetches } = counted();
    for (let nth = 0; nth < 200; nth += 1) await ask('mallory');
    expect([fetches(), await ask('mallory')]).toEqual([10, 'later']);
    for (let nth = 0; nth < 3; nth += 1) expect(await ask('olga')).toBeUndefined();
    expect(fetches()).toBe(13);
    // Nor do several of them keep out who asks for little.
    for (const person of ['mallory', 'mallory 2', 'mallory 3']) for (let nth = 0; nth < 50; nth += 1) await ask(person);
    expect([await ask('sam'), await ask('mallory')]).toEqual([undefined, 'later']);
    pass(60_000);
    expect(await ask('mallory')).toBeUndefined();
  });
});
