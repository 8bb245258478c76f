import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Connector } from '../../src/connectors/kit/contract.ts';
import { postgres } from '../../src/connectors/postgres/index.ts';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';
import { postgresUser } from '../../src/runtime/local/postgres-user.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { healthyMs, within } from './bench-of.ts';

requires('openssl')("A PostgreSQL of an operator's own making", () => {
  let folder: string;
  let state: string;
  let server: PostgresServer | undefined;
  let sql: Client | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'estop-tls-'));
    chmodSync(folder, 0o755);
    makeCertificate(folder);
    state = mkdtempSync(join(tmpdir(), 'estop-own-'));
    server = await startPostgres({
      folder: state,
      name: 'own',
      settings: { ssl: 'on', ssl_cert_file: join(folder, 'server.crt'), ssl_key_file: join(folder, 'server.key') },
    });
    sql = new Client({ connectionString: server.url('postgres') });
    await sql.connect();
  });
  afterAll(async () => {
    await sql?.end();
    await server?.stop();
    for (const one of [folder, state]) rmSync(one, { recursive: true, force: true });
  });

  const running = (): PostgresServer => {
    if (server === undefined) throw new Error('the server did not start');
    return server;
  };
  const connectorTo = (options: object): Connector =>
    postgres.create(
      postgres.optionsSchema.parse({
        host: 'localhost',
        port: running().port,
        database: 'postgres',
        user: running().superuser.user,
        password: { env: 'PASSWORD' },
        network: 'loopback',
        ...options,
      }),
      {
        connectorId: 'own',
        environment: 'test',
        now: () => new Date(),
        readSecret: (reference) =>
          'file' in reference ? readFileSync(reference.file, 'utf8') : running().superuser.password,
      },
    );
  const check = (options: object) => connectorTo(options).selfCheck(within(healthyMs));
  /** Until a new login meets the new rules. */
  const letIn = async (rules: string, sslmode: 'disable' | 'require', ok: boolean): Promise<void> => {
    writeFileSync(join(state, 'own', 'data', 'pg_hba.conf'), rules);
    await sql?.query('SELECT pg_reload_conf()');
    await expect.poll(async () => (await check({ sslmode })).ok, { timeout: 10_000 }).toBe(ok);
  };
  const strict = 'host all all all scram-sha-256\n';

  it('is reached over TLS, even where it takes nothing else, if its certificate is that of the name and of a known authority', async () => {
    await letIn('hostssl all all all scram-sha-256\n', 'disable', false);
    expect(await check({ ca: { file: join(folder, 'ca.crt') } })).toMatchObject({ ok: true });
    await letIn(strict, 'disable', true);
  });

  it('is not believed under another name, or from an authority nobody knows', async () => {
    expect((await check({ host: '127.0.0.1', ca: { file: join(folder, 'ca.crt') } })).ok).toBe(false);
    expect((await check({})).ok).toBe(false);
    expect((await check({ sslmode: 'require' })).ok).toBe(true);
  });

  it('that speaks no TLS is named as such, with the word that goes without', async () => {
    const { url } = await createDatabase();
    const options = { adminUrl: { env: 'URL' }, sslmode: 'require', network: 'loopback' };
    const host = { connectorId: 'bare', environment: 'test', now: () => new Date(), readSecret: () => url };
    const { ok, findings } = await postgres
      .create(postgres.optionsSchema.parse(options), host)
      .selfCheck(within(healthyMs));
    expect([ok, findings.join()]).toEqual([false, expect.stringContaining('`sslmode: disable` in estop.yaml')]);
  });

  it('can be named by one secret, a connection string', async () => {
    const { superuser, port } = running();
    const whole = `postgresql://${superuser.user}:${superuser.password}@localhost:${port}/postgres`;
    writeFileSync(join(folder, 'url'), `${whole}\n`);
    const options = postgres.optionsSchema.parse({
      adminUrl: { file: join(folder, 'url') },
      sslmode: 'require',
      network: 'loopback',
    });
    const host = {
      connectorId: 'own',
      environment: 'test',
      now: () => new Date(),
      readSecret: (reference: object) => ('file' in reference ? readFileSync(String(reference.file), 'utf8') : ''),
    };
    expect((await postgres.create(options, host).selfCheck(within(healthyMs))).ok).toBe(true);
    writeFileSync(join(folder, 'url'), 'canary');
    const broken = await postgres.create(options, host).selfCheck(within(healthyMs));
    expect(broken.ok).toBe(false);
    expect(JSON.stringify(broken)).not.toContain('canary');
    expect(postgres.optionsSchema.safeParse({ adminUrl: { env: 'X' }, host: 'both' }).success).toBe(false);
    expect(postgres.optionsSchema.safeParse({ host: 'half' }).success).toBe(false);
  });

  it('is not reached where the configuration did not say that it may be on this machine', async () => {
    expect(await check({ network: 'public', sslmode: 'disable' })).toMatchObject({
      ok: false,
      findings: [expect.stringContaining('loopback')],
    });
  });

  it('is found out if it trusts everybody: then no denial would prove anything', async () => {
    await letIn('host all all all trust\n', 'disable', false);
    expect((await check({ sslmode: 'disable' })).findings.join()).toContain('trust');
    await letIn(strict, 'disable', true);
  });
});

/** An authority and a certificate for `localhost` alone. */
function makeCertificate(folder: string): void {
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'] as const;
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=authority of a test');
  openssl('req', ...key.slice(0, 5), '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost\n');
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-out',
    'server.crt',
    '-extfile',
    'names',
  );
  chmodSync(join(folder, 'server.key'), 0o600);
  const user = postgresUser();
  if (user !== undefined) chownSync(join(folder, 'server.key'), user.uid, user.gid);
}
