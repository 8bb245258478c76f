import { rmSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { errorCodeOf } from '../../src/core/errors.ts';
import { claimStateFolder } from '../../src/runtime/local/state-folder.ts';
import { startTemporal, type TemporalServer } from '../../src/runtime/local/temporal-server.ts';
import { serveOnDemand } from './on-demand-server.ts';
import { makeRunFolder } from './run-folder.ts';
import { startRunPostgres } from './run-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** host:port of the run's Temporal server. Empty if none can be had: then `temporalMissing` says why, see `requires`. */
    temporalAddress: string;
    /** The `temporal` program, for tests with Temporal's own CLI. */
    temporalBinary: string;
    temporalMissing: string;
    /** The superuser's URL of the run's PostgreSQL 18; tests take a database of their own by `createDatabase`. */
    postgresUrl: string;
    /** Where tests ask for servers that only few need. */
    onDemandUrl: string;
  }
}

/** One Temporal and one PostgreSQL for the whole run, in a folder that goes with it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = claimStateFolder(await makeRunFolder());
  const started = await Promise.allSettled([
    startRunTemporal(folder.path),
    startRunPostgres(folder.path, '18'),
    serveOnDemand(folder.path),
  ]);
  const [temporal, postgres, onDemand] = started;

  const teardown = async (): Promise<void> => {
    const running = [temporal, postgres, onDemand].filter((part) => part.status === 'fulfilled');
    await Promise.all(running.map((part) => part.value.stop()));
    folder.release();
    rmSync(folder.path, { recursive: true, force: true });
  };
  if (temporal.status === 'rejected' || postgres.status === 'rejected' || onDemand.status === 'rejected') {
    await teardown();
    throw started.find((part) => part.status === 'rejected')?.reason;
  }
  project.provide('temporalAddress', temporal.value.address);
  project.provide('temporalBinary', temporal.value.binary);
  project.provide('temporalMissing', temporal.value.missing);
  project.provide('postgresUrl', postgres.value.url('postgres'));
  project.provide('onDemandUrl', onDemand.value.url);
  return teardown;
}

type RunTemporal = Pick<TemporalServer, 'address' | 'binary' | 'stop'> & { readonly missing: string };

/** A machine on which no Temporal can be had still runs the tests that need none. */
async function startRunTemporal(stateFolder: string): Promise<RunTemporal> {
  try {
    const server = await startTemporal({
      stateFolder,
      database: 'memory',
      ui: false,
      onProgress: (line) => void process.stderr.write(`${line}\n`),
    });
    return { ...server, missing: '' };
  } catch (error) {
    if (errorCodeOf(error) !== 'part-missing') throw error;
    return { address: '', binary: '', missing: String(error), stop: async () => undefined };
  }
}
