import { existsSync } from 'node:fs';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';

export type PostgresVersion = '18' | '15';

export const debianPostgres15 = '/usr/lib/postgresql/15/bin';

export function isPostgresInstalled(version: PostgresVersion): boolean {
  return version === '18' || existsSync(`${debianPostgres15}/postgres`);
}

/**
 * Small in memory, open to what the tests of all parts need. It survives the end of any of its processes, as in production, but not
 * the loss of power, which no test can bring about: nothing is flushed to the disk, and so no page needs to be whole in the log.
 */
export function startRunPostgres(folder: string, version: PostgresVersion): Promise<PostgresServer> {
  return startPostgres({
    folder,
    name: `postgres-${version}`,
    binaries: version === '18' ? 'embedded' : debianPostgres15,
    settings: {
      max_connections: 600,
      max_prepared_transactions: 20,
      shared_buffers: '64MB',
      fsync: false,
      full_page_writes: false,
      max_wal_size: '256MB',
    },
  });
}
