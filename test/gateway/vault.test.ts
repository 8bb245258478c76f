import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EstopConfig, VaultSpec } from '../../src/contract/config.ts';
import { VaultSecrets } from '../../src/gateway/secrets/vault-secrets.ts';
import { KvServer } from './kv-server.ts';
import { realVaultSuite } from './real-vault.ts';

/**
 * Each was taken out once: the life of what is held, the end of it by a definite no, the lease, the wall clock, the second login, the
 * renewal, the network of the guarded client.
 */
describe('a secret of a vault', () => {
  let kv: KvServer;
  const logged: object[] = [];
  const clock = { monotonic: 0, wall: 0 };
  const at = { path: 'team/billing', field: 'token' };
  const values: Record<string, string> = { ROLE: 'role', SECRET_ID: 'canary-secret-id', TOKEN: 'canary-static' };
  const byAppRole = { appRole: { roleId: { env: 'ROLE' }, secretId: { env: 'SECRET_ID' }, mount: 'approle' } };
  const open = (
    changes: Partial<VaultSpec> = {},
    entry: Pick<VaultSpec, 'token' | 'appRole'> = byAppRole,
  ): VaultSecrets => {
    const vault: VaultSpec = {
      url: kv.url,
      network: 'loopback',
      mount: 'secret',
      refreshMs: 30_000,
      staleMs: 300_000,
      ...entry,
      ...changes,
    };
    const config: EstopConfig = {
      environment: 'test',
      trustDomain: 'test.local',
      agents: [],
      connectors: [],
      toolServers: [],
      models: [],
      vault,
    };
    const log = (fields: object): void => void logged.push(fields);
    return new VaultSecrets({
      config: { current: () => config },
      readLocal: ({ env = '' }) => values[env] ?? '',
      log: { debug: log, info: log, warn: log, error: log },
      now: () => ({ ...clock }),
    });
  };
  const read = async (secrets: VaultSecrets): Promise<string> => {
    await secrets.ready(at);
    try {
      return secrets.read(at);
    } catch (thrown) {
      return String((thrown as { readonly code?: unknown }).code); // whatever it is, the test says what it must be
    }
  };
  const pass = (ms: number): void => {
    clock.monotonic += ms;
    clock.wall += ms;
  };
  const asked = (path: string): number => kv.calls.filter((call) => call.endsWith(path)).length;
  beforeAll(async () => {
    kv = await KvServer.start();
  });
  afterAll(() => kv.stop());
  beforeEach(() => {
    kv.secrets.clear();
    kv.secrets.set('team/billing', { fields: { token: 'canary-one', other: 7 } });
    kv.tokens.clear();
    kv.calls.length = 0;
    kv.tokenLifeSeconds = 3_600;
    kv.misbehave = () => false;
    logged.length = 0;
  });

  it('is read once, kept, and read again when it is to be refreshed', async () => {
    const secrets = open();
    expect([await read(secrets), await read(secrets)]).toEqual(['canary-one', 'canary-one']);
    expect([asked('/login'), asked('team/billing')]).toEqual([1, 1]);
    kv.secrets.set('team/billing', { fields: { token: 'canary-two' } });
    pass(29_000);
    expect(await read(secrets)).toBe('canary-one');
    pass(2_000);
    expect(await read(secrets)).toBe('canary-two');
  });

  it('is used while the vault is away for as long as is said, and no longer', async () => {
    const secrets = open();
    await read(secrets);
    kv.misbehave = (_request, response) => {
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"errors":["Vault is sealed"]}');
      return true;
    };
    pass(200_000);
    expect(await read(secrets)).toBe('canary-one');
    const before = kv.calls.length;
    await read(secrets);
    expect(kv.calls.length, 'no call waits for it twice in a row').toBe(before);
    pass(100_000);
    expect(await read(secrets)).toBe('secret-missing');
    kv.misbehave = () => false;
    pass(3_000);
    expect(await read(secrets)).toBe('canary-one');
  });

  it.each([
    ['its clock was set back', () => (clock.wall -= 400_000)],
    ['its clock was set forward', () => (clock.wall += 400_000)],
  ])('is not taken for fresh by a machine where %s', async (_what, step) => {
    const secrets = open();
    await read(secrets);
    kv.misbehave = (_request, response) => {
      response.destroy();
      return true;
    };
    step();
    expect(await read(secrets)).toBe('secret-missing');
  });

  it.each([
    ['is gone', () => kv.secrets.clear()],
    ['may not be read any more', () => (kv.misbehave = refuse)],
  ])('that %s is used no more from the next look on', async (_what, change) => {
    const secrets = open();
    await read(secrets);
    change();
    pass(31_000);
    expect(await read(secrets)).toBe('secret-missing');
  });

  it('is used no longer than its lease', async () => {
    kv.secrets.set('team/billing', { fields: { token: 'canary-leased' }, lease: 10 });
    const secrets = open();
    expect(await read(secrets)).toBe('canary-leased');
    kv.misbehave = (_request, response) => {
      response.destroy();
      return true;
    };
    pass(9_000);
    expect(await read(secrets)).toBe('canary-leased');
    pass(2_000);
    expect(await read(secrets)).toBe('secret-missing');
  });

  it('is read with a token that is renewed at half its life, and got anew where it was revoked', async () => {
    kv.tokenLifeSeconds = 100;
    const secrets = open();
    await read(secrets);
    pass(51_000);
    await read(secrets);
    expect([asked('/login'), asked('/renew-self')]).toEqual([1, 1]);
    kv.tokens.clear();
    pass(31_000);
    expect(await read(secrets)).toBe('canary-one');
    expect(asked('/login')).toBe(2);
  });

  it('is read with a token of our own as well', async () => {
    kv.tokens.set('canary-static', Number.POSITIVE_INFINITY);
    expect(await read(open({}, { token: { env: 'TOKEN' } }))).toBe('canary-one');
    expect([asked('/login'), asked('/lookup-self')]).toEqual([0, 1]);
  });

  it.each([
    ['a field that is no text', { path: 'team/billing', field: 'other' }],
    ['a field that every object has', { path: 'team/billing', field: 'constructor' }],
    ['another path', { path: 'team/none', field: 'token' }],
  ])('%s is missing', async (_what, where) => {
    const secrets = open();
    await secrets.ready(where);
    expect(() => secrets.read(where)).toThrow(expect.objectContaining({ code: 'secret-missing' }));
  });

  it.each([
    ['HTML with status 200', 'text/html', '<html>canary-echo</html>'],
    ['another shape', 'application/json', '{"data":"canary-echo"}'],
  ])('is not read out of %s, and nothing that was said or sent is in the log', async (_what, type, body) => {
    kv.misbehave = (request, response) => {
      if (request.url?.includes('/data/') !== true) return false;
      response.writeHead(200, { 'content-type': type }).end(body);
      return true;
    };
    expect(await read(open())).toBe('secret-missing');
    expect(JSON.stringify(logged)).toMatch(/vault\.not-read/);
    expect(JSON.stringify(logged)).not.toContain('canary');
  });

  it('is not asked for at an address that the configuration does not allow', async () => {
    expect(await read(open({ network: 'private' }))).toBe('secret-missing');
    expect(kv.calls).toEqual([]);
    expect(JSON.stringify(logged)).toContain('address-refused');
  });

  const refuse: KvServer['misbehave'] = (_request, response) => {
    response.writeHead(403, { 'content-type': 'application/json' }).end('{"errors":["permission denied"]}');
    return true;
  };
});

const program = process.env['ESTOP_VAULT'];
if (program !== undefined) describe('a secret of a real vault', realVaultSuite(program));
