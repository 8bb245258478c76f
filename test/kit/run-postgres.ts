import { existsSync } from 'node:fs';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';

export type PostgresVersion = '18' | '15';

export const debianPostgres15 = '/usr/lib/postgresql/15/bin';

export function isPostgresInstalled(version: PostgresVersion): boolean {
  return version === '18' || existsSync(`${debianPostgres15}/postgres`);
}

/** Durable as in production (fsync stays on), small in memory, open to what the tests of all parts need. */
export function startRunPostgres(folder: string, version: PostgresVersion): Promise<PostgresServer> {
  return startPostgres({
    folder,
    name: `postgres-${version}`,
    binaries: version === '18' ? 'embedded' : debianPostgres15,
    settings: { max_connections: 600, max_prepared_transactions: 20, shared_buffers: '64MB' },
  });
}
