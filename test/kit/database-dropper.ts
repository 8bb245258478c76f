import { Client } from 'pg';

export interface DatabaseDropper {
  /** At some time soon. */
  drop(name: string): void;
  /** After what is under way; what still waits goes with the server. */
  stop(): Promise<void>;
}

/**
 * Drops one database after the other, so that no test file waits for it: a drop is a checkpoint of the whole server. One that cannot
 * be dropped (a prepared transaction holds it, the server was stopped) stays until the run's folder goes.
 */
export function openDropper(serverUrl: string): DatabaseDropper {
  let isStopped = false;
  let last = Promise.resolve();
  const drop = async (name: string): Promise<void> => {
    if (isStopped) return;
    const client = new Client({ connectionString: serverUrl });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    } catch {
      // Said above.
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  return {
    drop: (name) => void (last = last.then(() => drop(name))),
    stop: async () => {
      isStopped = true;
      await last;
    },
  };
}
