import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EstopConfig, VaultSpec } from '../../src/contract/config.ts';
import { VaultSecrets } from '../../src/gateway/secrets/vault-secrets.ts';
import { freePorts } from '../../src/runtime/local/free-port.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { until } from './rig.ts';

/** Of a real OpenBao (`bao`) or Vault. Its program cannot be had from npm, so vault.test.ts adds this where ESTOP_VAULT names one. */
export const realVaultSuite = (program: string) => (): void => {
  let server: ChildProcess;
  let url = '';
  const rootToken = 'canary-root';
  const values: Record<string, string> = { ROOT: rootToken };
  const logged: object[] = [];
  const api = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': rootToken, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  const open = (entry: Pick<VaultSpec, 'token' | 'appRole'>): VaultSecrets => {
    const config: EstopConfig = {
      environment: 'test',
      trustDomain: 'test.local',
      agents: [],
      connectors: [],
      toolServers: [],
      models: [],
      vault: { url, network: 'loopback', mount: 'secret', refreshMs: 200, staleMs: 60_000, ...entry },
    };
    const log = (fields: object): void => void logged.push(fields);
    return new VaultSecrets({
      config: { current: () => config },
      readLocal: ({ env = '' }) => values[env] ?? '',
      log: { debug: log, info: log, warn: log, error: log },
    });
  };
  const at = { path: 'team/billing', field: 'token' };
  const read = async (secrets: VaultSecrets): Promise<string> => {
    await secrets.ready(at);
    try {
      return secrets.read(at);
    } catch {
      return 'missing';
    }
  };

  beforeAll(async () => {
    const [port = 0] = await freePorts([undefined]);
    url = `http://127.0.0.1:${port}`;
    const args = ['server', '-dev', `-dev-root-token-id=${rootToken}`, `-dev-listen-address=127.0.0.1:${port}`];
    server = spawn(program, args, { stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: tempFolder() } });
    await until(() =>
      fetch(`${url}/v1/sys/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    await api('POST', 'secret/data/team/billing', { data: { token: 'canary-one' } });
    await api('PUT', 'sys/policies/acl/estop', { policy: 'path "secret/data/team/*" { capabilities = ["read"] }' });
    await api('POST', 'sys/auth/approle', { type: 'approle' });
    await api('POST', 'auth/approle/role/estop', { token_policies: 'estop', token_ttl: '4s', token_max_ttl: '1h' });
    const roleId = (await api('GET', 'auth/approle/role/estop/role-id'))['data'] as { readonly role_id: string };
    const secretId = (await api('POST', 'auth/approle/role/estop/secret-id', {}))['data'] as {
      readonly secret_id: string;
    }; // as its API documents them
    Object.assign(values, { ROLE: roleId.role_id, SECRET_ID: secretId.secret_id });
  }, 60_000);
  afterAll(async () => {
    server.kill();
    await new Promise((resolve) => server.once('exit', resolve));
  });

  const byAppRole = { appRole: { roleId: { env: 'ROLE' }, secretId: { env: 'SECRET_ID' }, mount: 'approle' } };

  it('is read with a token, and with an AppRole, and a new version of it is picked up', async () => {
    const [plain, role] = [open({ token: { env: 'ROOT' } }), open(byAppRole)];
    expect([await read(plain), await read(role)]).toEqual(['canary-one', 'canary-one']);
    await api('POST', 'secret/data/team/billing', { data: { token: 'canary-two' } });
    await until(async () => (await read(role)) === 'canary-two');
    expect(await read(plain)).toBe('canary-two');
  });

  it('is still read when several lives of its token have passed, and when the token was revoked', async () => {
    const role = open(byAppRole);
    await read(role);
    for (let count = 0; count < 12; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await read(role)).toBe('canary-two');
    }
    await api('POST', 'sys/leases/revoke-prefix/auth/approle/login');
    await until(async () => (await read(role)) === 'canary-two');
    expect(JSON.stringify(logged)).not.toContain('canary');
  });

  it('that was deleted, or is out of the bounds of its policy, is used no more', async () => {
    const role = open(byAppRole);
    await read(role);
    await api('DELETE', 'secret/data/team/billing');
    await until(async () => (await read(role)) === 'missing');
    const elsewhere = { path: 'other/billing', field: 'token' };
    await api('POST', 'secret/data/other/billing', { data: { token: 'canary-other' } });
    await role.ready(elsewhere);
    expect(() => role.read(elsewhere)).toThrow(expect.objectContaining({ code: 'secret-missing' }));
  });
};
