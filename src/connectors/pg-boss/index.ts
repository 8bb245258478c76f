import type { ConnectorSystem } from '../kit/contract.ts';
import { createPgBossConnector } from './connector.ts';
import { type PgBossOptions, pgBossGrant, pgBossOptions } from './options.ts';

export const pgBoss: ConnectorSystem<PgBossOptions> = {
  system: 'pg-boss',
  optionsSchema: pgBossOptions,
  grantSchema: pgBossGrant,
  drill: {},
  phases: ['fence', 'terminate', 'revoke-credential', 'purge-queue', 'sweep'],
  concurrency: 8,
  // A schedule that was due when it was deleted may be in the hands of pg-boss's forwarder, which looks every few seconds.
  settleMs: 2_000,
  attemptMs: 15_000,
  generations: 'own',
  create: createPgBossConnector,
};
