import { connect as connectSocket, createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listen } from '../../examples/demo/fault-proxy.ts';
import { dropFinished } from '../../src/connectors/postgres/drop-finished.ts';
import { postgres } from '../../src/connectors/postgres/index.ts';
import { withSession } from '../../src/connectors/postgres/server.ts';
import { healthyMs, shortMs, within } from './bench-of.ts';
import { onEachPostgres } from './on-postgres.ts';
import { startPostgresRig } from './postgres.rig.ts';
import { writeAsAgent } from './postgres-target.ts';
import { environment, rigConnectorId } from './rig.ts';

describe('What an agent may be given in PostgreSQL', () => {
  it.each([
    ['a group of any name', { memberOf: ['Ünïcode "group"; --'] }, true],
    ['reading all data', { memberOf: ['pg_read_all_data'] }, true],
    ['running programs', { memberOf: ['pg_execute_server_program'] }, false],
    ['ending sessions of others', { memberOf: ['pg_signal_backend'] }, false],
    ['a name of 63 bytes', { memberOf: ['x'.repeat(63)] }, true],
    // The server would cut it off, and so mean another.
    ['a name of 64 bytes', { memberOf: ['x'.repeat(64)] }, false],
    ['a name of 63 letters that are more bytes', { memberOf: ['ü'.repeat(63)] }, false],
    ['a name with a zero byte', { memberOf: ['a\0b'] }, false],
    ['an empty name', { memberOf: [''] }, false],
    ['a right that is none', { schemas: [{ schema: 'public', tables: ['select, insert'] }] }, false],
    ['something that nobody knows', { superuser: true }, false],
  ])('%s', (_what, options, allowed) => {
    expect(postgres.grantSchema.safeParse(options).success).toBe(allowed);
  });
});

onEachPostgres('A role for each grant, in PostgreSQL', 'postgres', startPostgresRig, (on) => {
  const issued = () => on.bench.issue(on.bench.plan());

  it('never has its password on the wire, so no log of the server can hold it', async () => {
    const heard: Buffer[] = [];
    const tee = await listenIn(on.rig.target.port, heard);
    const system = postgres.create(postgres.optionsSchema.parse({ ...(on.rig.options as object), port: tee.port }), {
      connectorId: rigConnectorId,
      environment,
      readSecret: () => on.rig.target.admin.password,
      now: () => new Date(),
    });
    const grant = on.bench.plan();
    const secret = await system.issue(grant, within(healthyMs));
    await system.close();
    expect(Buffer.concat(heard).includes('CREATE ROLE')).toBe(true);
    expect(Buffer.concat(heard).includes(String(secret['password']))).toBe(false);
    expect(await writeAsAgent(on.rig.target, secret)).toBe('worked');
    tee.close();
    await on.cutAll({ ...grant, secret, state: 'issued' });
  });

  it('is not given membership in a group that could make roles of its own', async () => {
    const powerful = `powerful_${on.rig.target.admin.user.slice(-10)}`;
    await on.rig.target.sql(
      `CREATE ROLE ${powerful} NOLOGIN CREATEROLE; CREATE ROLE ${powerful}_member NOLOGIN; GRANT ${powerful} TO ${powerful}_member; GRANT ${powerful}_member TO ${on.rig.target.admin.user} WITH ADMIN OPTION`,
    );
    await expect(on.bench.issue(on.bench.plan({ memberOf: [`${powerful}_member`] }))).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  it('leaves a role that is dropped a day after its end, unless it owns something, and never one of another connector', async () => {
    const long = { ...on.bench.plan(), absoluteEnd: new Date(Date.now() - 25 * 3_600_000).toISOString() };
    const owning = { ...on.bench.plan(), absoluteEnd: long.absoluteEnd };
    const recent = on.bench.plan();
    for (const grant of [long, owning, recent]) await on.bench.connector.issue(grant, within(healthyMs));
    const roles = [long, owning, recent].map(({ handle }) => String(handle['role']));
    await on.rig.target.sql(
      `CREATE TABLE kept_${roles[1]?.slice(-12)} (); ALTER TABLE kept_${roles[1]?.slice(-12)} OWNER TO ${roles[1]}`,
    );
    for (const grant of [long, owning, recent])
      for (const phase of postgres.phases) await on.bench.connector.cut(phase, grant, within(healthyMs));

    const server = {
      host: on.rig.target.host,
      port: on.rig.target.port,
      database: on.rig.target.database.name,
      ...on.rig.target.admin,
      sslmode: 'disable',
      network: 'loopback',
    } as const;
    const there = async (): Promise<readonly string[]> =>
      (
        await on.rig.target.sql<{ name: string }>('SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)', [
          roles,
        ])
      ).map(({ name }) => name);
    const drop = (connectorId: string) =>
      withSession(server, AbortSignal.timeout(healthyMs), (session) =>
        dropFinished(session, { environment, connectorId, now: new Date() }),
      );
    await drop('another');
    expect(await there()).toHaveLength(3);
    await drop(rigConnectorId);
    expect((await there()).toSorted()).toEqual(roles.slice(1).toSorted());
    expect((await on.bench.connector.cut('sweep', long, within(healthyMs))).kind).toBe('already-gone');
  });

  it('is made and cut for as many grants at once as the connector bears', async () => {
    for (const options of [undefined, { schemas: [{ schema: 'public', tables: ['insert'] }] }]) {
      const issues = await Promise.all(
        Array.from({ length: postgres.concurrency }, () => on.bench.issue(on.bench.plan(options))),
      );
      await Promise.all(issues.map(({ grant }) => on.cutAll(grant)));
      for (const { secret } of issues) expect(await writeAsAgent(on.rig.target, secret)).toBe('refused');
    }
  });

  it('has a control that many lanes make at the same time, at its first use', async () => {
    const connector = postgres.create(postgres.optionsSchema.parse(on.rig.options), {
      connectorId: `${rigConnectorId}-first-use`,
      environment,
      readSecret: () => on.rig.target.admin.password,
      now: () => new Date(),
    });
    const grant = on.bench.plan();
    const controls = await Promise.all(Array.from({ length: 40 }, () => connector.control(grant, within(healthyMs))));
    expect(controls).toEqual(Array(40).fill({ kind: 'allowed' }));
  });

  it('changes nothing about the control: its password follows the administrator, when that is rotated too', async () => {
    const grant = on.bench.plan();
    expect((await on.bench.connector.control(grant, within(healthyMs))).kind).toBe('allowed');
    await on.rig.target.sql(`ALTER ROLE ${on.rig.target.admin.user} PASSWORD 'rotated'`);
    const rotated = postgres.create(postgres.optionsSchema.parse(on.rig.options), {
      connectorId: rigConnectorId,
      environment,
      readSecret: () => 'rotated',
      now: () => new Date(),
    });
    expect((await rotated.control(grant, within(healthyMs))).kind).toBe('allowed');
    await on.rig.target.sql(`ALTER ROLE ${on.rig.target.admin.user} PASSWORD '${on.rig.target.admin.password}'`);
  });

  it('gets rights on what the administrator may give, next to tables of somebody else', async () => {
    await on.rig.target.sql(`CREATE TABLE not_ours (); CREATE SCHEMA closed; CREATE TABLE closed.not_ours ();
      GRANT USAGE ON SCHEMA closed TO ${on.rig.target.admin.user} WITH GRANT OPTION`);
    const { grant, secret } = await on.bench.issue(
      on.bench.plan({ schemas: [{ schema: 'public', tables: ['insert', 'select'] }] }),
    );
    const agent = await on.rig.target.connectAs(secret);
    await agent.query('INSERT INTO public.numbered (note) VALUES (1)');
    await expect(agent.query('SELECT * FROM public.not_ours')).rejects.toMatchObject({ code: '42501' });
    // What somebody else gave it is theirs to take, and holds up nothing.
    await on.rig.target.sql(`GRANT SELECT ON not_ours TO ${String(secret['user'])}`);
    await on.bench.connector.cut('fence', grant, within(healthyMs));
    for (const use of ["nextval('public.numbered_id_seq')", 'count(*) FROM public.numbered']) {
      await expect(agent.query(`SELECT ${use}`)).rejects.toMatchObject({ code: '42501' });
    }
    await on.cutAll(grant);
    await expect(
      on.bench.issue(on.bench.plan({ schemas: [{ schema: 'closed', tables: ['select'] }] })),
    ).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  it('asks for a person when the administrator has lost the right to make and cut roles', async () => {
    const { grant, secret } = await on.bench.issue(on.bench.plan());
    await on.rig.target.sql(`ALTER ROLE ${on.rig.target.admin.user} NOCREATEROLE`);
    expect((await on.bench.connector.cut('fence', grant, within(healthyMs))).kind).toBe('needs-human');
    await expect(on.bench.issue(on.bench.plan())).rejects.toMatchObject({ code: 'connector-refused' });
    const check = await on.bench.connector.selfCheck(within(healthyMs));
    expect(check).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([expect.stringContaining('lacks CREATEROLE')]),
    });
    await on.rig.target.sql(`ALTER ROLE ${on.rig.target.admin.user} CREATEROLE`);
    await on.cutAll(grant);
    expect(await writeAsAgent(on.rig.target, secret)).toBe('refused');
  });

  it('is refused a group or a schema that is not there, as a mistake of the configuration', async () => {
    for (const options of [{ memberOf: ['nobody knows'] }, { schemas: [{ schema: 'nowhere', tables: ['select'] }] }]) {
      const grant = on.bench.plan(options);
      await expect(on.bench.issue(grant)).rejects.toMatchObject({ code: 'config-invalid' });
      expect(await on.bench.connector.lists(grant, within(healthyMs))).toBe('absent');
    }
  });

  it('is not called dead while a pooler in front cannot be asked', async () => {
    const pooler = await listen(on.rig.target);
    const connector = postgres.create(
      postgres.optionsSchema.parse({
        ...(on.rig.options as object),
        poolers: [{ host: pooler.host, port: pooler.port }],
      }),
      {
        connectorId: rigConnectorId,
        environment,
        readSecret: () => on.rig.target.admin.password,
        now: () => new Date(),
      },
    );
    const { grant } = await issued();
    expect((await connector.probe(grant, within(healthyMs))).kind).toBe('allowed');
    await on.cutAll(grant);
    await pooler.addToxic('x', { type: 'timeout', timeout: 0 });
    expect((await connector.probe(grant, within(shortMs))).kind).toBe('inconclusive');
    await pooler.removeToxic();
    expect((await connector.probe(grant, within(healthyMs))).kind).toBe('denied');
    await pooler.close();
  });

  it('is cut off in a database that lets in the members of one group alone', async () => {
    const { name } = on.rig.target.database;
    const group = `"${on.rig.target.group.replaceAll('"', '""')}"`;
    await on.rig.target.sql(
      `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${name} TO ${group}, ${on.rig.target.admin.user}`,
    );
    const options = postgres.optionsSchema.parse({
      ...(on.rig.options as object),
      controlMemberOf: [on.rig.target.group],
    });
    const connector = postgres.create(options, {
      connectorId: `${rigConnectorId}-strict`,
      environment,
      readSecret: () => on.rig.target.admin.password,
      now: () => new Date(),
    });
    const { grant, secret } = await issued();
    expect(await writeAsAgent(on.rig.target, secret)).toBe('worked');
    await on.cutAll(grant);
    expect(await connector.probe(grant, within(healthyMs))).toMatchObject({
      kind: 'denied',
      evidence: 'credential-probed',
    });
    expect((await connector.control(grant, within(healthyMs))).kind).toBe('allowed');
    await on.rig.target.sql(`GRANT CONNECT ON DATABASE ${name} TO PUBLIC`);
  });
});

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
