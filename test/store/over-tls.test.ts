import { appendFileSync, chmodSync, chownSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { latchInStore } from '../../src/cli/direct/latch-in-store.ts';
import { mayLatchDirectly } from '../../src/cli/direct/may-latch.ts';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';
import { postgresUser } from '../../src/runtime/local/postgres-user.ts';
import { openStore } from '../../src/store/pool.ts';
import { provisionStore } from '../../src/store/provision.ts';
import { type Authority, makeAuthority } from '../kit/certificates.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { until } from '../revocation/rig.ts';
import { startStopProcess } from '../stop/stop-process.ts';
import { newId } from './ledger.ts';

const readable = (from: string, to: string, mode: number): string => {
  cpSync(from, to);
  chmodSync(to, mode);
  const user = postgresUser();
  if (user !== undefined) chownSync(to, user.uid, user.gid);
  return to;
};

requires('openssl', 'temporal')('A store that is only reached over TLS', () => {
  let authority: Authority;
  let server: PostgresServer | undefined;
  let urls: Awaited<ReturnType<typeof provisionStore>>;
  const order = (scopeKey: string) => ({
    stopId: newId('stop'),
    scopeKey,
    ...({ category: 1, graceMs: 3_000, reason: 'test', actor: 'olga', method: 'direct' } as const),
  });

  beforeAll(async () => {
    authority = makeAuthority();
    const identity = authority.issue('store', 'subjectAltName=DNS:localhost\n');
    const [folder, files] = [tempFolder(), tempFolder()];
    for (const one of [folder, files]) chmodSync(one, 0o755);
    server = await startPostgres({
      folder,
      name: 'own',
      settings: {
        ssl: 'on',
        ssl_cert_file: readable(identity.cert, join(files, 'server.pem'), 0o644),
        ssl_key_file: readable(identity.key, join(files, 'server.key'), 0o600),
      },
    });
    const superuser = openStore({ url: server.url('postgres'), applicationName: 'test', max: 1 });
    const rules = join(folder, 'own', 'data', 'pg_hba.conf');
    writeFileSync(rules, readFileSync(rules, 'utf8').replaceAll(/^host /gm, 'hostssl '));
    appendFileSync(rules, '\nhostssl all all all scram-sha-256\n');
    await superuser.query('SELECT pg_reload_conf()');
    await superuser.end();
    urls = await provisionStore({ superuserUrl: over(server.url('postgres')), database: 'tls', environment: 'test' });
  });
  afterAll(async () => server?.stop());

  /** As an operator writes it: by name, with the authority that the certificate must come from. */
  const over = (url: string, ca = authority.ca, host = 'localhost'): string => {
    const changed = new URL(url);
    changed.hostname = host;
    changed.search = new URLSearchParams({ sslmode: 'verify-full', sslrootcert: ca }).toString();
    return changed.href;
  };

  it('takes stops by the stop process and past it, and no word of them in the clear', async () => {
    const stops = await startStopProcess(urls.estop_stop, inject('temporalAddress'));
    await until(async () => (await stops.get('/readyz')).body['latch'] === 'ok');
    expect((await stops.send({ stopId: newId('stop'), scopeKey: 'agent:one' })).body['state']).toBe('latched');
    expect(await latchInStore(urls.estop_latch, order('agent:two'))).toMatchObject({ epoch: 2 });
    // Only a superuser sees how others are connected.
    const superuser = openStore({ url: over(server?.url('tls') ?? ''), applicationName: 'test', max: 1 });
    const { rows } = await superuser.query<{ ssl: boolean }>(
      "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename LIKE 'estop%'",
    );
    await superuser.end();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(({ ssl }) => ssl)).toBe(true);
  });

  it('tells nothing to a server of another authority, of another name, or to one that speaks in the clear', async () => {
    const foreign = makeAuthority().ca;
    for (const url of [over(urls.estop_latch, foreign), over(urls.estop_latch, authority.ca, '127.0.0.1')]) {
      expect(await mayLatchDirectly(url)).toBe('away');
      await expect(latchInStore(url, order('agent:three'))).rejects.toMatchObject({ code: 'store-unavailable' });
    }
    const plain = new URL(inject('postgresUrl'));
    plain.search = new URL(urls.estop_latch).search;
    expect(await mayLatchDirectly(over(plain.href))).toBe('away');
  });
});
