import { afterAll, beforeAll, expect } from 'vitest';
import { type FaultProxy, listen } from '../../examples/demo/fault-proxy.ts';
import type { LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { controlRoleName } from '../../src/connectors/postgres/control-role.ts';
import { requires } from '../kit/requires.ts';
import { isPostgresInstalled, type PostgresVersion } from '../kit/run-postgres.ts';
import { type Bench, benchOf, healthyMs, within } from './bench-of.ts';
import { forbidControl, loseSignalRight, type PostgresTarget, refuseAdmin } from './postgres-target.ts';
import { environment, type Rig, type RunningRig, rigConnectorId } from './rig.ts';

const versions = ['18', '15'] as const;

/** One rig for each version of the server. */
export const rigsOnPostgres = (
  system: string,
  server: (version: PostgresVersion) => string,
  start: (version: PostgresVersion) => Promise<RunningRig>,
): readonly Rig[] =>
  versions.map((version) => ({
    system,
    server: server(version),
    missing: isPostgresInstalled(version)
      ? undefined
      : `install PostgreSQL ${version} (Debian: apt-get install postgresql-${version})`,
    skips: {
      'rate-limited': 'the protocol has no such answer; too many connections is part of "down"',
      'server-error': 'the protocol has no such answer',
    },
    start: () => start(version),
  }));

type Reached = Pick<
  RunningRig,
  'proxy' | 'options' | 'secrets' | 'breakControl' | 'refuseOurCredential' | 'breakSelfCheck' | 'replies'
> & { readonly target: PostgresTarget; readonly proxy: FaultProxy };

/** How the connector reaches the server, and how its own rights there are broken. */
export async function reached(target: PostgresTarget): Promise<Reached> {
  const proxy = await listen(target);
  return {
    target,
    proxy,
    options: {
      host: proxy.host,
      port: proxy.port,
      database: target.database.name,
      user: target.admin.user,
      password: { env: 'TARGET_ADMIN_PASSWORD' },
      sslmode: 'disable',
      network: 'loopback',
    },
    secrets: { TARGET_ADMIN_PASSWORD: target.admin.password },
    breakControl: () =>
      forbidControl(target, controlRoleName({ environment, connectorId: rigConnectorId }, target.admin)),
    refuseOurCredential: () => refuseAdmin(target),
    breakSelfCheck: () => loseSignalRight(target),
    replies: () => ({ garbage: '<!doctype html><title>Welcome</title>' }),
  };
}

export interface OnPostgres<Running> {
  readonly rig: Running;
  readonly bench: Bench;
  readonly version: PostgresVersion;
  cutAll(grant: LedgerGrant): Promise<void>;
}

/** What only one system does, on each version of the server. */
export function onEachPostgres<Running extends RunningRig>(
  what: string,
  system: string,
  start: (version: PostgresVersion) => Promise<Running>,
  suite: (on: OnPostgres<Running>) => void,
): void {
  for (const version of versions) {
    requires(`postgresql-${version}`)(`${what} ${version}`, () => {
      let running: OnPostgres<Running>;
      beforeAll(async () => {
        const rig = await start(version);
        const bench = benchOf(system, rig);
        const cutAll = async (grant: LedgerGrant): Promise<void> => {
          for (const phase of bench.system.phases)
            expect(await bench.connector.cut(phase, grant, within(healthyMs))).toEqual({ kind: 'revoked' });
        };
        running = { rig, bench, version, cutAll };
      });
      afterAll(async () => {
        await running.bench.connector.close();
        await running.rig.stop();
      });
      suite({
        version,
        get rig() {
          return running.rig;
        },
        get bench() {
          return running.bench;
        },
        cutAll: (grant) => running.cutAll(grant),
      });
    });
  }
}
