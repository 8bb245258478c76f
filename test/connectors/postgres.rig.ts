import { type PostgresVersion } from '../kit/run-postgres.ts';
import { reached, rigsOnPostgres } from './on-postgres.ts';
import {
  countRows,
  lastingOf,
  type PostgresTarget,
  reviveRole,
  startPostgresTarget,
  writeAsAgent,
} from './postgres-target.ts';
import { type RunningRig } from './rig.ts';

export const rigs = rigsOnPostgres(
  'postgres',
  (version) => `PostgreSQL ${version}`,
  (version) => startPostgresRig(version),
);

const markers = {
  'issue': 'COMMIT',
  'fence': 'ALTER ROLE estop_',
  'terminate': 'pg_terminate_backend',
  'revoke-credential': 'COMMIT',
  'purge-queue': "ROLLBACK PREPARED '",
  'sweep': 'pg_terminate_backend',
} as const;

export async function startPostgresRig(
  version: PostgresVersion,
): Promise<RunningRig & { readonly target: PostgresTarget }> {
  const target = await startPostgresTarget(version);
  const reach = await reached(target);
  return {
    ...reach,
    grantOptions: { memberOf: [target.group] },
    injections: [
      { memberOf: [`"; ALTER ROLE ${target.admin.user} SUPERUSER; --`] },
      { memberOf: ["x' OR 'a'='a", '%I%L%s', '../../etc/passwd', '%00'] },
      { memberOf: ['nul\0byte'] },
      { memberOf: ['x'.repeat(1_000_000)] },
      { memberOf: ['pg_execute_server_program'] },
      { schemas: [{ schema: `public TO PUBLIC; DROP TABLE calls; --`, tables: ['select'] }] },
      { schemas: [{ schema: 'public', tables: ['select; DROP TABLE calls'] }] },
    ],
    useAsAgent: (_grant, secret) => writeAsAgent(target, secret),
    countInTarget: (grant) => countRows(target, grant),
    openLasting: async (grant, secret) => {
      const idle = await target.connectAs(secret);
      // And one that no session shows: a prepared transaction, which holds the agent's own row in the catalogue.
      const preparing = await target.connectAs(secret);
      await preparing.query('BEGIN');
      await preparing.query(`ALTER ROLE ${String(secret['user'])} SET work_mem = '1MB'`);
      await preparing.query(`PREPARE TRANSACTION 'it''s %I "${String(secret['user'])}"'`);
      await preparing.end();
      return {
        alive: async () => (await lastingOf(target, grant.handle['role'])) > 0,
        close: () => idle.end().catch(() => undefined),
      };
    },
    revive: (_grant, secret) => reviveRole(target, secret),
    marker: (step) =>
      step in markers ? { bytes: markers[step as keyof typeof markers] } : { none: 'PostgreSQL has no such phase' }, // guarded by `in`
    stop: async () => {
      await reach.proxy.close();
      await target.stop();
    },
  };
}
