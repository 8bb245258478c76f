import { expect, it } from 'vitest';
import type { GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { postgres } from '../../src/connectors/postgres/index.ts';
import { createDatabase } from '../kit/postgres.ts';
import { healthyMs, within } from './bench-of.ts';
import { onEachPostgres } from './on-postgres.ts';
import { startPostgresRig } from './postgres.rig.ts';
import { lastingOf, writeAsAgent } from './postgres-target.ts';

onEachPostgres('A hostile agent in PostgreSQL', 'postgres', startPostgresRig, (on) => {
  const issued = () => on.bench.issue(on.bench.plan());
  const probe = (grant: LedgerGrant) => on.bench.connector.probe(grant, within(healthyMs));
  const mayLogIn = async (secret: GrantSecret): Promise<boolean> => {
    const [row] = await on.rig.target.sql<{ may: boolean }>(
      'SELECT rolcanlogin AS may FROM pg_roles WHERE rolname = $1',
      [secret['user']],
    );
    return row?.may ?? false;
  };

  it('cannot hold up its own fence by changing its password in an open transaction', async () => {
    const { grant, secret } = await issued();
    const agent = await on.rig.target.connectAs(secret);
    await agent.query('BEGIN');
    await agent.query(`ALTER ROLE ${String(secret['user'])} PASSWORD 'mine now'`);
    expect(await on.bench.connector.cut('fence', grant, within(healthyMs))).toEqual({ kind: 'revoked' });
    expect(await mayLogIn(secret)).toBe(false);
    await on.cutAll(grant);
    expect(await probe(grant)).toMatchObject({ kind: 'denied', evidence: 'credential-probed' });
  });

  it('cannot hold up its own fence by changing its password in a prepared transaction', async () => {
    const { grant, secret } = await issued();
    const agent = await on.rig.target.connectAs(secret);
    await agent.query('BEGIN');
    await agent.query(`ALTER ROLE ${String(secret['user'])} PASSWORD 'mine now'`);
    await agent.query(`PREPARE TRANSACTION '${String(secret['user'])}'`);
    await agent.end();
    expect(await on.bench.connector.cut('fence', grant, within(healthyMs))).toEqual({ kind: 'revoked' });
    expect(await mayLogIn(secret)).toBe(false);
    await on.cutAll(grant);
    expect(await lastingOf(on.rig.target, secret['user'])).toBe(0);
  });

  it('has its prepared transactions rolled back in another database of the cluster as well', async () => {
    const other = await createDatabase('empty', on.version);
    const { grant, secret } = await issued();
    const agent = await on.rig.target.connectAs(secret, other.name);
    await agent.query('BEGIN');
    await agent.query(`ALTER ROLE ${String(secret['user'])} SET work_mem = '1MB'`);
    await agent.query(`PREPARE TRANSACTION 'elsewhere ${String(secret['user'])}'`);
    await agent.end();
    expect((await probe(grant)).kind).toBe('allowed');
    await on.cutAll(grant);
    expect(await lastingOf(on.rig.target, secret['user'])).toBe(0);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is not let in again by the password it gave itself, and the denial is called what it is', async () => {
    const { grant, secret } = await issued();
    const agent = await on.rig.target.connectAs(secret);
    await agent.query(`ALTER ROLE ${String(secret['user'])} PASSWORD 'mine now'`);
    await agent.end();
    const own = { ...secret, password: 'mine now' };
    expect(await writeAsAgent(on.rig.target, own)).toBe('worked');
    await on.cutAll(grant);
    expect(await writeAsAgent(on.rig.target, own)).toBe('refused');
    // The old credential was never seen refused as "known, but not permitted", so the server's own word is all there is.
    expect(await probe(grant)).toMatchObject({ kind: 'denied', evidence: 'issuer-attested' });
  });

  it('stays out when somebody lets its role log in again, for the password is gone too; and it is not called dead', async () => {
    const { grant, secret } = await issued();
    // Before the fence the old credential still logs in: taking its password then would hide that.
    expect((await on.bench.connector.cut('revoke-credential', grant, within(healthyMs))).kind).toBe('retryable');
    expect(await writeAsAgent(on.rig.target, secret)).toBe('worked');
    await on.cutAll(grant);
    await on.rig.target.sql(`ALTER ROLE ${String(secret['user'])} LOGIN CONNECTION LIMIT -1`);
    expect(await writeAsAgent(on.rig.target, secret)).toBe('refused');
    expect((await probe(grant)).kind).toBe('inconclusive');
    await on.cutAll(grant);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it.each(['an open session', 'a prepared transaction'])(
    'is not called dead while it has %s, though its login is refused',
    async (what) => {
      const { grant, secret } = await issued();
      const agent = await on.rig.target.connectAs(secret);
      if (what === 'a prepared transaction') {
        await agent.query('BEGIN');
        await agent.query(`ALTER ROLE ${String(secret['user'])} SET work_mem = '1MB'`);
        await agent.query(`PREPARE TRANSACTION '${String(secret['user'])}'`);
        await agent.end();
      }
      await on.rig.target.sql(`ALTER ROLE ${String(secret['user'])} NOLOGIN`);
      expect(await writeAsAgent(on.rig.target, secret)).toBe('refused');
      expect((await probe(grant)).kind).toBe('allowed');
      expect(await on.bench.connector.lists(grant, within(healthyMs))).toBe('present');
      await on.cutAll(grant);
      expect((await probe(grant)).kind).toBe('denied');
      expect(await on.bench.connector.lists(grant, within(healthyMs))).toBe('absent');
    },
  );

  it('is put out while it reconnects as fast as it can', async () => {
    const { grant, secret } = await issued();
    let over = false;
    const storm = [0, 1, 2].map(async () => {
      while (!over) await writeAsAgent(on.rig.target, secret).catch(() => undefined);
    });
    await on.cutAll(grant);
    const counted = await on.rig.countInTarget(grant);
    expect((await probe(grant)).kind).toBe('denied');
    over = true;
    await Promise.all(storm);
    expect(counted).toBeGreaterThan(0);
    expect(await on.rig.countInTarget(grant)).toBe(counted);
  });

  it('is named with those who could still act as it, and with what somebody else made it a member of, and neither holds up the cut', async () => {
    const { grant, secret } = await issued();
    const role = String(secret['user']);
    const accomplice = `accomplice_${role.slice(-12)}`;
    await on.rig.target.sql(
      `CREATE ROLE ${accomplice} NOLOGIN; CREATE ROLE ${accomplice}_group NOLOGIN; GRANT ${role} TO ${accomplice}; GRANT ${accomplice}_group TO ${role}`,
    );
    // Before 16 CREATEROLE may take any membership away; from then on only what it gave.
    await on.cutAll(grant);
    const result = await probe(grant);
    expect(result).toMatchObject({ kind: 'denied', evidence: 'credential-probed' });
    expect(result).toHaveProperty('why', expect.stringContaining(accomplice));
    if (on.version !== '15') expect(result).toHaveProperty('why', expect.stringContaining(`${accomplice}_group`));
  });

  it('cannot be issued to by a stop that came first, however the two race', async () => {
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const grant = on.bench.plan();
      const [secret] = await Promise.all([
        on.bench.issue(grant).then(
          (issue) => issue.secret,
          () => undefined,
        ),
        (async () => {
          for (const phase of postgres.phases) await on.bench.connector.cut(phase, grant, within(healthyMs));
        })(),
      ]);
      expect(await mayLogIn({ user: String(grant.handle['role']) })).toBe(false);
      if (secret !== undefined) expect(await writeAsAgent(on.rig.target, secret)).toBe('refused');
    }
  });

  it('gets a working credential when the same grant is asked for twice, and the first answer works no more', async () => {
    const grant = on.bench.plan();
    const first = await on.bench.issue(grant);
    const second = await on.bench.issue(grant);
    expect(await writeAsAgent(on.rig.target, first.secret)).toBe('refused');
    expect(await writeAsAgent(on.rig.target, second.secret)).toBe('worked');
    await on.cutAll(second.grant);
  });

  it.each(['membership in a group', 'rights on the tables of a schema'])(
    'loses its %s at the fence, in a session that is still open',
    async (what) => {
      const options = what.startsWith('membership')
        ? undefined
        : { schemas: [{ schema: 'public', tables: ['insert'] }] };
      const { grant, secret } = await on.bench.issue(on.bench.plan(options));
      const agent = await on.rig.target.connectAs(secret);
      await agent.query('INSERT INTO public.calls DEFAULT VALUES');
      await on.bench.connector.cut('fence', grant, within(healthyMs));
      await expect(agent.query('INSERT INTO public.calls DEFAULT VALUES')).rejects.toMatchObject({ code: '42501' });
      await on.cutAll(grant);
    },
  );

  it('is ended under its own name, whatever role it acts as', async () => {
    const { grant, secret } = await issued();
    const agent = await on.rig.target.connectAs(secret);
    const become = agent.query(`SET ROLE ${agent.escapeIdentifier(on.rig.target.group)}`);
    // From 16 on it cannot even become its group, so what it prepares bears its own name.
    if (on.version === '15') await become;
    else await expect(become).rejects.toMatchObject({ code: '42501' });
    await on.cutAll(grant);
    await expect(agent.query('SELECT 1')).rejects.toThrow();
    expect((await probe(grant)).kind).toBe('denied');
  });
});
