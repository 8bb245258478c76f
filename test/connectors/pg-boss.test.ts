import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { pgBoss } from '../../src/connectors/pg-boss/index.ts';
import { dropQueue } from '../../src/connectors/pg-boss/queue.ts';
import { dropFinished } from '../../src/connectors/postgres/drop-finished.ts';
import { withSession } from '../../src/connectors/postgres/server.ts';
import { healthyMs, within } from './bench-of.ts';
import { onEachPostgres } from './on-postgres.ts';
import { bossAs, startPgBossRig } from './pg-boss.rig.ts';
import { environment, rigConnectorId } from './rig.ts';

onEachPostgres("An agent's queue in pg-boss, PostgreSQL", 'pg-boss', startPgBossRig, (on) => {
  const queueOf = (grant: LedgerGrant): string => String(grant.handle['queue']);
  const cutSome = async (
    grant: LedgerGrant,
    ...phases: readonly ('fence' | 'terminate' | 'revoke-credential')[]
  ): Promise<void> => {
    for (const phase of phases) await on.bench.connector.cut(phase, grant, within(healthyMs));
  };
  const probe = (grant: LedgerGrant) => on.bench.connector.probe(grant, within(healthyMs));
  const openJobs = async (queue: string): Promise<number> =>
    (await on.rig.app.findJobs(queue)).filter(({ state }) => ['created', 'retry', 'active'].includes(state)).length;

  it('can be sent to, fetched from, completed and cancelled with its credential alone, through the library', async () => {
    const { grant, secret } = await on.bench.issue(on.bench.plan({}));
    const agent = await bossAs(on.rig.target, secret);
    const queue = queueOf(grant);
    const id = await agent.send(queue, { n: 1 });
    const [job] = await agent.fetch<{ n: number }>(queue);
    expect(job).toMatchObject({ id, data: { n: 1 } });
    expect(await agent.complete(queue, String(id))).toMatchObject({ affected: 1 });
    const second = await agent.sendAfter(queue, { n: 2 }, null, 60);
    expect(await agent.cancel(queue, String(second))).toMatchObject({ affected: 1 });
    await agent.stop({ graceful: false });
    await on.cutAll(grant);
  });

  it('waits for the lock under which pg-boss makes queues, for two at once would deadlock', async () => {
    await on.rig.target.sql('BEGIN');
    await on.rig.target.sql(
      `SELECT pg_advisory_xact_lock(('x' || encode(sha224((current_database() || '.pgboss.pgbosscreate-queue')::bytea), 'hex'))::bit(64)::bigint)`,
    );
    const issue = on.bench.issue(on.bench.plan({}));
    const waiting = () =>
      on.rig.target.sql(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      );
    await expect.poll(waiting, { timeout: 10_000, interval: 20 }).toHaveLength(1);
    await on.rig.target.sql('COMMIT');
    await on.cutAll((await issue).grant);
  });

  it('is made for many grants at once, next to queues that the application makes', async () => {
    const grants = Array.from({ length: 8 }, () => on.bench.plan({}));
    const [, ...issues] = await Promise.all([
      on.rig.app.createQueue(`own-${grants.length}`, { partition: true }),
      ...grants.map((grant) => on.bench.issue(grant)),
    ]);
    await Promise.all(issues.map(({ grant }) => on.cutAll(grant)));
    for (const { grant } of issues) expect((await probe(grant)).kind).toBe('denied');
  });

  it('is the only one that its credential reaches', async () => {
    await on.rig.app.createQueue('payments');
    const { grant, secret } = await on.bench.issue(on.bench.plan({}));
    const neighbour = await on.bench.issue(on.bench.plan({}));
    const agent = await bossAs(on.rig.target, secret);
    const queue = queueOf(grant);
    for (const other of ['payments', queueOf(neighbour.grant)]) {
      await expect(agent.send(other, {})).rejects.toMatchObject({ code: '42501' });
      await expect(agent.fetch(other)).rejects.toMatchObject({ code: '42501' });
    }
    await expect(agent.schedule(queue, '* * * * *')).rejects.toMatchObject({ code: '42501' });
    await expect(agent.createQueue('mine')).rejects.toMatchObject({ code: '42501' });
    // pg-boss itself would carry an expired job over there, with its owner's rights.
    await expect(agent.send(queue, {}, { deadLetter: 'payments' })).rejects.toMatchObject({ code: '23514' });
    await agent.stop({ graceful: false });
    await on.cutAll(grant);
    await on.cutAll(neighbour.grant);
  });

  it('is woken by its schedule while it may run, and never again afterwards', async () => {
    const { grant } = await on.bench.issue(on.bench.plan({ schedule: { cron: '* * * * *', data: { wake: 'up' } } }));
    const queue = queueOf(grant);
    await expect.poll(() => openJobs(queue), { timeout: 20_000, interval: 200 }).toBeGreaterThan(0);
    await on.cutAll(grant);
    expect(await on.rig.app.getSchedules(queue)).toEqual([]);
    expect(await openJobs(queue)).toBe(0);
    // What pg-boss was about to forward when the queue was emptied comes too late.
    await expect(on.rig.app.send(queue, { wake: 'up' })).rejects.toMatchObject({ code: '23514' });
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is reached by no event and no job on its way any more', async () => {
    const { grant } = await on.bench.issue(on.bench.plan({}));
    const queue = queueOf(grant);
    const event = `event of ${queue}`;
    await on.rig.app.subscribe(event, queue);
    // What pg-boss writes down when a schedule is due, a moment before it forwards it.
    await on.rig.app.send('__pgboss__send-it', { name: queue, data: null, options: {} }, { startAfter: 3_600 });
    await on.cutAll(grant);
    await on.rig.app.publish(event, {});
    expect(
      (await on.rig.app.findJobs('__pgboss__send-it')).filter(({ data }) => JSON.stringify(data).includes(queue)),
    ).toEqual([]);
    expect(await openJobs(queue)).toBe(0);
  });

  it('says of a job that was being worked on that it possibly completed', async () => {
    const { grant, secret } = await on.bench.issue(on.bench.plan({}));
    const agent = await bossAs(on.rig.target, secret);
    await agent.send(queueOf(grant), {});
    await agent.fetch(queueOf(grant));
    await on.cutAll(grant);
    await agent.stop({ graceful: false });
    expect(await probe(grant)).toMatchObject({
      kind: 'denied',
      evidence: 'credential-probed',
      why: expect.stringContaining('1 jobs were being worked on'),
    });
  });

  it('is not called dead while anything is left in it, though the credential is', async () => {
    const { grant, secret } = await on.bench.issue(on.bench.plan({}));
    const agent = await bossAs(on.rig.target, secret);
    await agent.sendAfter(queueOf(grant), {}, null, 3_600);
    await agent.stop({ graceful: false });
    await cutSome(grant, 'fence', 'terminate', 'revoke-credential');
    expect((await probe(grant)).kind).toBe('allowed');
    await on.cutAll(grant);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is not called dead while it still takes jobs', async () => {
    const { grant } = await on.bench.issue(on.bench.plan({}));
    await on.cutAll(grant);
    const [row] = await on.rig.target.sql<{ table: string }>(
      'SELECT table_name AS "table" FROM pgboss.queue WHERE name = $1',
      [queueOf(grant)],
    );
    await on.rig.target.sql(`ALTER TABLE pgboss.${row?.table} DROP CONSTRAINT estop_closed`);
    expect((await probe(grant)).kind).toBe('inconclusive');
    await on.cutAll(grant);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is emptied although the agent holds a lock on its table in a prepared transaction', async () => {
    const { grant, secret } = await on.bench.issue(on.bench.plan({}));
    const agent = await on.rig.target.connectAs(secret);
    const [row] = await on.rig.target.sql<{ table: string }>(
      'SELECT table_name AS "table" FROM pgboss.queue WHERE name = $1',
      [queueOf(grant)],
    );
    await agent.query('BEGIN');
    await agent.query(`LOCK TABLE pgboss.${row?.table} IN EXCLUSIVE MODE`);
    await agent.query(`PREPARE TRANSACTION '${String(secret['user'])}'`);
    await agent.end();
    await on.cutAll(grant);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is emptied as soon as somebody else is through with its table', async () => {
    const { grant, secret } = await on.bench.issue(on.bench.plan({}));
    const [row] = await on.rig.target.sql<{ table: string }>(
      'SELECT table_name AS "table" FROM pgboss.queue WHERE name = $1',
      [queueOf(grant)],
    );
    const agent = await bossAs(on.rig.target, secret);
    await agent.send(queueOf(grant), {});
    await agent.stop({ graceful: false });
    await on.rig.target.sql('BEGIN');
    await on.rig.target.sql(`LOCK TABLE pgboss.${row?.table} IN ACCESS SHARE MODE`);
    const cut = on.bench.connector.cut('purge-queue', grant, within(healthyMs));
    // Longer than one wait for a lock.
    await sleep(800);
    await on.rig.target.sql('COMMIT');
    expect(await cut).toEqual({ kind: 'revoked' });
    await on.cutAll(grant);
  });

  it('belongs to the owner of pg-boss, whose own workers and maintenance go on with it', async () => {
    const { grant, secret } = await on.bench.issue(on.bench.plan({}));
    const agent = await bossAs(on.rig.target, secret);
    await agent.send(queueOf(grant), { for: 'the application' });
    await agent.stop({ graceful: false });
    const [job] = await on.rig.app.fetch(queueOf(grant));
    expect(job?.data).toEqual({ for: 'the application' });
    await on.rig.app.complete(queueOf(grant), String(job?.id));
    await on.cutAll(grant);
    await on.rig.app.supervise();
  });

  it('can be one for all tasks of an agent, if configured so: then it is emptied and stays open', async () => {
    const options = { shared: true };
    const planned = on.bench.plan(options);
    expect(planned.target).toMatch(/^estop_test_s_/);
    expect(on.bench.plan(options, 8).target).toBe(planned.target);
    const old = await on.bench.issue(planned);
    const agent = await bossAs(on.rig.target, old.secret);
    await agent.send(queueOf(old.grant), {});
    await agent.stop({ graceful: false });
    await on.cutAll(old.grant);
    expect((await probe(old.grant)).kind).toBe('denied');

    const next = await on.bench.issue(on.bench.plan(options, 8));
    expect(queueOf(next.grant)).toBe(queueOf(old.grant));
    expect(await on.rig.useAsAgent(next.grant, next.secret)).toBe('worked');
    expect(await on.rig.useAsAgent(old.grant, old.secret)).toBe('refused');
    await on.cutAll(next.grant);
  });

  it('says of each grant whether generations share its target', () => {
    const request = { grantId: 'g', environment, agentId: 'a', taskId: 't', epoch: 1 };
    const { connector } = on.bench;
    expect(connector.plan({ ...request, options: pgBoss.grantSchema.parse({ shared: true }) }).shared).toBe(true);
    expect(connector.plan({ ...request, options: pgBoss.grantSchema.parse({}) }).shared).toBe(false);
  });

  it('goes with its role a day after the end', async () => {
    const grant = { ...on.bench.plan({}), absoluteEnd: new Date(Date.now() - 25 * 3_600_000).toISOString() };
    await on.bench.connector.issue(grant, within(healthyMs));
    for (const phase of pgBoss.phases) await on.bench.connector.cut(phase, grant, within(healthyMs));
    const server = {
      host: on.rig.target.host,
      port: on.rig.target.port,
      database: on.rig.target.database.name,
      ...on.rig.target.admin,
      sslmode: 'disable',
      network: 'loopback',
    } as const;
    const also = (session: Parameters<typeof dropQueue>[0], role: string) =>
      dropQueue(session, { schema: 'pgboss', name: role, shared: false });
    await withSession(server, AbortSignal.timeout(healthyMs), (session) =>
      dropFinished(session, { environment, connectorId: rigConnectorId, now: new Date(), also }),
    );
    expect(await on.rig.app.getQueue(queueOf(grant))).toBeNull();
    expect(await on.bench.connector.lists(grant, within(healthyMs))).toBe('absent');
  });

  it('is missed by selfCheck where there is no pg-boss, or one that belongs to somebody else', async () => {
    const system = (schema: string) =>
      pgBoss.create(pgBoss.optionsSchema.parse({ ...(on.rig.options as object), schema }), {
        connectorId: rigConnectorId,
        environment,
        readSecret: () => on.rig.target.admin.password,
        now: () => new Date(),
      });
    expect(await system('elsewhere').selfCheck(within(healthyMs))).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([expect.stringContaining('no pg-boss in the schema "elsewhere"')]),
    });
    const owner = `boss_owner_${on.rig.target.admin.user.slice(-10)}`;
    await on.rig.target.sql(`REVOKE ${owner} FROM ${on.rig.target.admin.user}`);
    expect(await system('pgboss').selfCheck(within(healthyMs))).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([expect.stringContaining('make it a member')]),
    });
    await on.rig.target.sql(`GRANT ${owner} TO ${on.rig.target.admin.user}`);
    expect((await system('pgboss').selfCheck(within(healthyMs))).ok).toBe(true);
  });
});
