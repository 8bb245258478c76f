import { connect as connectSocket, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { principalName } from '../../src/connectors/kit/names.ts';
import { dropFinished } from '../../src/connectors/postgres/drop-finished.ts';
import { postgres } from '../../src/connectors/postgres/index.ts';
import { withSession } from '../../src/connectors/postgres/server.ts';
import { createDatabase } from '../kit/postgres.ts';
import { isPostgresInstalled, type PostgresVersion } from '../kit/run-postgres.ts';
import { type Bench, benchOf, healthyMs, within } from './bench-of.ts';
import { startPostgresRig } from './postgres.rig.ts';
import { lastingOf, writeAsAgent } from './postgres-target.ts';
import { environment, type RunningRig, rigConnectorId } from './rig.ts';

for (const version of ['18', '15'] as const) {
  const run = isPostgresInstalled(version) || process.env['ESTOP_REQUIRE_ALL'] === '1' ? describe : describe.skip;
  run(`A hostile agent in PostgreSQL ${version}`, () => suite(version));
}

function suite(version: PostgresVersion): void {
  let rig: RunningRig & Awaited<ReturnType<typeof startPostgresRig>>;
  let bench: Bench;

  beforeAll(async () => {
    rig = await startPostgresRig(version);
    bench = benchOf('postgres', rig);
  });
  afterAll(async () => {
    await bench.connector.close();
    await rig.stop();
  });

  const issued = () => bench.issue(bench.plan());
  const cutAll = async (grant: LedgerGrant): Promise<void> => {
    for (const phase of postgres.phases)
      expect(await bench.connector.cut(phase, grant, within(healthyMs))).toEqual({ kind: 'revoked' });
  };
  const probe = (grant: LedgerGrant) => bench.connector.probe(grant, within(healthyMs));
  const mayLogIn = async (secret: GrantSecret): Promise<boolean> => {
    const [row] = await rig.target.sql<{ may: boolean }>('SELECT rolcanlogin AS may FROM pg_roles WHERE rolname = $1', [
      secret['user'],
    ]);
    return row?.may ?? false;
  };

  it('cannot hold up its own fence by changing its password in an open transaction', async () => {
    const { grant, secret } = await issued();
    const agent = await rig.target.connectAs(secret);
    await agent.query('BEGIN');
    await agent.query(`ALTER ROLE ${String(secret['user'])} PASSWORD 'mine now'`);
    expect(await bench.connector.cut('fence', grant, within(healthyMs))).toEqual({ kind: 'revoked' });
    expect(await mayLogIn(secret)).toBe(false);
    await cutAll(grant);
    expect(await probe(grant)).toMatchObject({ kind: 'denied', evidence: 'credential-probed' });
  });

  it('cannot hold up its own fence by changing its password in a prepared transaction', async () => {
    const { grant, secret } = await issued();
    const agent = await rig.target.connectAs(secret);
    await agent.query('BEGIN');
    await agent.query(`ALTER ROLE ${String(secret['user'])} PASSWORD 'mine now'`);
    await agent.query(`PREPARE TRANSACTION '${String(secret['user'])}'`);
    await agent.end();
    expect(await bench.connector.cut('fence', grant, within(healthyMs))).toEqual({ kind: 'revoked' });
    expect(await mayLogIn(secret)).toBe(false);
    await cutAll(grant);
    expect(await lastingOf(rig.target, secret['user'])).toBe(0);
  });

  it('has its prepared transactions rolled back in another database of the cluster as well', async () => {
    const other = await createDatabase(version);
    const { grant, secret } = await issued();
    const agent = await rig.target.connectAs(secret, other.name);
    await agent.query('BEGIN');
    await agent.query(`ALTER ROLE ${String(secret['user'])} SET work_mem = '1MB'`);
    await agent.query(`PREPARE TRANSACTION 'elsewhere ${String(secret['user'])}'`);
    await agent.end();
    expect((await probe(grant)).kind).toBe('allowed');
    await cutAll(grant);
    expect(await lastingOf(rig.target, secret['user'])).toBe(0);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is not let in again by the password it gave itself, and the denial is called what it is', async () => {
    const { grant, secret } = await issued();
    const agent = await rig.target.connectAs(secret);
    await agent.query(`ALTER ROLE ${String(secret['user'])} PASSWORD 'mine now'`);
    await agent.end();
    const own = { ...secret, password: 'mine now' };
    expect(await writeAsAgent(rig.target, own)).toBe('worked');
    await cutAll(grant);
    expect(await writeAsAgent(rig.target, own)).toBe('refused');
    // The old credential was never seen refused as "known, but not permitted", so the server's own word is all there is.
    expect(await probe(grant)).toMatchObject({ kind: 'denied', evidence: 'issuer-attested' });
  });

  it('is put out while it reconnects as fast as it can', async () => {
    const { grant, secret } = await issued();
    let over = false;
    const storm = [0, 1, 2].map(async () => {
      while (!over) await writeAsAgent(rig.target, secret).catch(() => undefined);
    });
    await cutAll(grant);
    const counted = await rig.countInTarget(grant);
    expect((await probe(grant)).kind).toBe('denied');
    over = true;
    await Promise.all(storm);
    expect(counted).toBeGreaterThan(0);
    expect(await rig.countInTarget(grant)).toBe(counted);
  });

  it('is named with those who could still act as it, and with what somebody else made it a member of, and neither holds up the cut', async () => {
    const { grant, secret } = await issued();
    const role = String(secret['user']);
    const accomplice = `accomplice_${role.slice(-12)}`;
    await rig.target.sql(
      `CREATE ROLE ${accomplice} NOLOGIN; CREATE ROLE ${accomplice}_group NOLOGIN; GRANT ${role} TO ${accomplice}; GRANT ${accomplice}_group TO ${role}`,
    );
    // Before 16 CREATEROLE may take any membership away; from then on only what it gave.
    await cutAll(grant);
    const result = await probe(grant);
    expect(result).toMatchObject({ kind: 'denied', evidence: 'credential-probed' });
    expect(result).toHaveProperty('why', expect.stringContaining(accomplice));
    if (version !== '15') expect(result).toHaveProperty('why', expect.stringContaining(`${accomplice}_group`));
  });

  it('cannot be issued to by a stop that came first, however the two race', async () => {
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const grant = bench.plan();
      const [secret] = await Promise.all([
        bench.issue(grant).then(
          (issue) => issue.secret,
          () => undefined,
        ),
        (async () => {
          for (const phase of postgres.phases) await bench.connector.cut(phase, grant, within(healthyMs));
        })(),
      ]);
      expect(await mayLogIn({ user: String(grant.handle['role']) })).toBe(false);
      if (secret !== undefined) expect(await writeAsAgent(rig.target, secret)).toBe('refused');
    }
  });

  it('gets a working credential when the same grant is asked for twice, and the first answer works no more', async () => {
    const grant = bench.plan();
    const first = await bench.issue(grant);
    const second = await bench.issue(grant);
    expect(await writeAsAgent(rig.target, first.secret)).toBe('refused');
    expect(await writeAsAgent(rig.target, second.secret)).toBe('worked');
    await cutAll(second.grant);
  });

  it('never has its password on the wire, so no log of the server can hold it', async () => {
    const heard: Buffer[] = [];
    const tee = await listenIn(rig.target.port, heard);
    const system = postgres.create(postgres.optionsSchema.parse({ ...(rig.options as object), port: tee.port }), {
      connectorId: rigConnectorId,
      environment,
      readSecret: () => rig.target.admin.password,
      now: () => new Date(),
    });
    const grant = bench.plan();
    const secret = await system.issue(grant, within(healthyMs));
    await system.close();
    expect(Buffer.concat(heard).includes('CREATE ROLE')).toBe(true);
    expect(Buffer.concat(heard).includes(String(secret['password']))).toBe(false);
    expect(await writeAsAgent(rig.target, secret)).toBe('worked');
    tee.close();
    await cutAll({ ...grant, secret, state: 'issued' });
  });

  it('is not given membership in a group that could make roles of its own', async () => {
    const powerful = `powerful_${rig.target.admin.user.slice(-10)}`;
    await rig.target.sql(
      `CREATE ROLE ${powerful} NOLOGIN CREATEROLE; CREATE ROLE ${powerful}_member NOLOGIN; GRANT ${powerful} TO ${powerful}_member; GRANT ${powerful}_member TO ${rig.target.admin.user} WITH ADMIN OPTION`,
    );
    await expect(bench.issue(bench.plan({ memberOf: [`${powerful}_member`] }))).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  it('gets rights on the tables of a schema, and loses them with the rest', async () => {
    const { grant, secret } = await bench.issue(bench.plan({ schemas: [{ schema: 'public', tables: ['insert'] }] }));
    expect(await writeAsAgent(rig.target, secret)).toBe('worked');
    const agent = await rig.target.connectAs(secret);
    await bench.connector.cut('fence', grant, within(healthyMs));
    // Still connected, and already without rights.
    await expect(agent.query('INSERT INTO public.calls DEFAULT VALUES')).rejects.toMatchObject({ code: '42501' });
    await cutAll(grant);
  });

  it('leaves a role that is dropped a day after its end, unless it owns something, and never one of another connector', async () => {
    const long = { ...bench.plan(), absoluteEnd: new Date(Date.now() - 25 * 3_600_000).toISOString() };
    const owning = { ...bench.plan(), absoluteEnd: long.absoluteEnd };
    const recent = bench.plan();
    for (const grant of [long, owning, recent]) await bench.connector.issue(grant, within(healthyMs));
    const roles = [long, owning, recent].map(({ handle }) => String(handle['role']));
    await rig.target.sql(
      `CREATE TABLE kept_${roles[1]?.slice(-12)} (); ALTER TABLE kept_${roles[1]?.slice(-12)} OWNER TO ${roles[1]}`,
    );
    for (const grant of [long, owning, recent])
      for (const phase of postgres.phases) await bench.connector.cut(phase, grant, within(healthyMs));

    const server = {
      host: rig.target.host,
      port: rig.target.port,
      database: rig.target.database.name,
      ...rig.target.admin,
      sslmode: 'disable',
      network: 'loopback',
    } as const;
    const there = async (): Promise<readonly string[]> =>
      (
        await rig.target.sql<{ name: string }>('SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)', [roles])
      ).map(({ name }) => name);
    const drop = (connectorId: string) =>
      withSession(server, AbortSignal.timeout(healthyMs), (session) =>
        dropFinished(session, { environment, connectorId, now: new Date() }),
      );
    await drop('another');
    expect(await there()).toHaveLength(3);
    await drop(rigConnectorId);
    expect((await there()).toSorted()).toEqual(roles.slice(1).toSorted());
    expect((await bench.connector.cut('sweep', long, within(healthyMs))).kind).toBe('already-gone');
  });

  it('changes nothing about the control: its password follows the administrator, when that is rotated too', async () => {
    const grant = bench.plan();
    expect((await bench.connector.control(grant, within(healthyMs))).kind).toBe('allowed');
    await rig.target.sql(`ALTER ROLE ${rig.target.admin.user} PASSWORD 'rotated'`);
    const rotated = postgres.create(postgres.optionsSchema.parse(rig.options), {
      connectorId: rigConnectorId,
      environment,
      readSecret: () => 'rotated',
      now: () => new Date(),
    });
    expect((await rotated.control(grant, within(healthyMs))).kind).toBe('allowed');
    await rig.target.sql(`ALTER ROLE ${rig.target.admin.user} PASSWORD '${rig.target.admin.password}'`);
  });

  it('has a name that carries its epoch', () => {
    expect(principalName({ environment, epoch: 41, grantId: 'x' })).toMatch(/^estop_test_e41_[0-9a-z]{20}$/);
  });
}

/** Passes everything on, and keeps what the client says. */
async function listenIn(port: number, heard: Buffer[]): Promise<{ readonly port: number; close(): void }> {
  const server: Server = createServer((client) => {
    const upstream = connectSocket({ host: '127.0.0.1', port });
    client.on('data', (piece) => heard.push(piece));
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, close: () => server.close() };
}
