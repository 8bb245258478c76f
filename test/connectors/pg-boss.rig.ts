import { PgBoss } from 'pg-boss';
import type { GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { hasSqlState } from '../../src/connectors/postgres/sql-error.ts';
import { type PostgresVersion } from '../kit/run-postgres.ts';
import { reached, rigsOnPostgres } from './on-postgres.ts';
import { lastingOf, type PostgresTarget, startPostgresTarget } from './postgres-target.ts';
import { type RunningRig } from './rig.ts';

export const rigs = rigsOnPostgres(
  'pg-boss',
  (version) => `pg-boss 12 in PostgreSQL ${version}`,
  (version) => startPgBossRig(version),
);

const markers = {
  'issue': 'COMMIT',
  'fence': 'ALTER ROLE estop_',
  'terminate': 'pg_terminate_backend',
  'revoke-credential': 'COMMIT',
  'purge-queue': 'COMMIT',
  'sweep': 'COMMIT',
} as const;

export async function startPgBossRig(
  version: PostgresVersion,
): Promise<RunningRig & Pick<PgBossTarget, 'target' | 'app'>> {
  const { target, app, stop } = await startPgBossTarget(version);
  const reach = await reached(target);
  return {
    ...reach,
    app,
    grantOptions: { schedule: { cron: '* * * * *', data: { wake: 'up' } } },
    injections: [
      { schedule: { cron: "* * * * *'; DROP SCHEMA pgboss; --" } },
      { schedule: { cron: '* * * * *', timezone: "UTC'; --" } },
      {
        schedule: { cron: '* * * * *', data: { quote: `'"; DROP SCHEMA pgboss CASCADE; -- %I %L $1`, nul: '\u0001' } },
      },
      { schedule: { cron: '* * * * *', data: 'x'.repeat(1_000_000) } },
    ],
    useAsAgent: (grant, secret) => sendAsAgent(target, grant, secret),
    countInTarget: async (grant) => {
      const [row] = await target.sql<{ count: number }>(
        'SELECT count(*)::int AS count FROM pgboss.job WHERE name = $1',
        [grant.handle['queue']],
      );
      return row?.count ?? 0;
    },
    openLasting: async (grant, secret) => {
      const queue = String(grant.handle['queue']);
      const agent = await bossAs(target, secret);
      await agent.send(queue, { kind: 'worked on' });
      const [active] = await agent.fetch(queue);
      if (active === undefined) throw new Error('the agent could not fetch its own job');
      await agent.send(queue, { kind: 'waiting' });
      await agent.sendAfter(queue, { kind: 'delayed' }, null, 3_600);
      return {
        alive: () => isAlive(target, app, grant),
        close: () => agent.stop({ graceful: false }).catch(() => undefined),
      };
    },
    revive: async (grant, secret) => {
      const queue = String(grant.handle['queue']);
      const [row] = await target.sql<{ table: string }>(
        'SELECT table_name AS "table" FROM pgboss.queue WHERE name = $1',
        [queue],
      );
      const role = String(secret['user']);
      await target.sql(
        `ALTER ROLE ${role} LOGIN CONNECTION LIMIT -1 PASSWORD '${String(secret['password'])}' VALID UNTIL 'infinity'`,
      );
      await target.sql(`ALTER TABLE pgboss.${row?.table} DROP CONSTRAINT estop_closed`);
      await target.sql(
        `GRANT USAGE ON SCHEMA pgboss TO ${role}; GRANT SELECT ON pgboss.version, pgboss.queue TO ${role}; GRANT SELECT, INSERT ON pgboss.${row?.table} TO ${role}`,
      );
    },
    marker: (step) =>
      step in markers ? { bytes: markers[step as keyof typeof markers] } : { none: 'pg-boss has no such phase' }, // guarded by `in`
    stop: async () => {
      await reach.proxy.close();
      await stop();
    },
  };
}

export interface PgBossTarget {
  readonly target: PostgresTarget;
  /** The application's own pg-boss, which owns the schema and runs schedules and maintenance. */
  readonly app: PgBoss;
  stop(): Promise<void>;
}

async function startPgBossTarget(version: PostgresVersion): Promise<PgBossTarget> {
  const target = await startPostgresTarget(version);
  const owner = `boss_owner_${target.admin.user.slice(-10)}`;
  const password = 'the application alone knows it';
  await target.sql(`CREATE ROLE ${owner} LOGIN PASSWORD '${password}'`);
  await target.sql(`GRANT CREATE ON DATABASE "${target.database.name}" TO ${owner}`);
  await target.sql(`GRANT ${owner} TO ${target.admin.user}`);
  const app = new PgBoss({
    connectionString: target.database.urlFor({ user: owner, password }),
    max: 3,
    supervise: false,
    cronMonitorIntervalSeconds: 1,
    cronWorkerIntervalSeconds: 1,
  });
  app.on('error', () => undefined);
  await app.start();
  return {
    target,
    app,
    stop: async () => {
      await app.stop({ graceful: false });
      await target.stop();
    },
  };
}

/** pg-boss's own library with nothing but the agent's credential. */
export async function bossAs(target: PostgresTarget, secret: GrantSecret): Promise<PgBoss> {
  const boss = new PgBoss({
    host: target.host,
    port: target.port,
    database: target.database.name,
    user: String(secret['user']),
    password: String(secret['password']),
    max: 1,
    migrate: false,
    supervise: false,
    schedule: false,
  });
  boss.on('error', () => undefined);
  await boss.start();
  return boss;
}

async function sendAsAgent(
  target: PostgresTarget,
  grant: LedgerGrant,
  secret: GrantSecret,
): Promise<'worked' | 'refused'> {
  let boss: PgBoss | undefined;
  try {
    boss = await bossAs(target, secret);
    return (await boss.send(String(grant.handle['queue']), { from: 'the agent' })) === null ? 'refused' : 'worked';
  } catch (thrown) {
    if (hasSqlState(thrown, '28000', '28P01', '42501', '57P01')) return 'refused';
    throw thrown;
  } finally {
    await boss?.stop({ graceful: false }).catch(() => undefined);
  }
}

/** As the application sees it: jobs that may still run, schedules that will make more, and whoever is connected as the agent. */
async function isAlive(target: PostgresTarget, app: PgBoss, grant: LedgerGrant): Promise<boolean> {
  const queue = String(grant.handle['queue']);
  const jobs = await app.findJobs(queue);
  const schedules = await app.getSchedules(queue);
  const open = jobs.filter(({ state }) => state === 'created' || state === 'retry' || state === 'active');
  return open.length + schedules.length + (await lastingOf(target, grant.handle['role'])) > 0;
}
