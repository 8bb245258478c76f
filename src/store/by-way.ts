import type { QueryConfig } from 'pg';
import type { Store } from './pool.ts';

/** The ways by which people and services change anything at control. Other processes are told from their roles. */
export type Way = 'console' | 'cli' | 'api' | 'slack' | 'mcp' | 'codec';

/**
 * Those that write nothing that says by which way it was asked, so that they need not be told: it would be two round trips more for
 * each, and a task that is started waits for several of them. A test looks into their text.
 */
export const untoldFunctions: ReadonlySet<string> = new Set([
  'begin_request',
  'check_task',
  'dead_by',
  'finish_request',
  'open_flow',
]);

/**
 * The same store, where every other function that is called is told by which way it is asked: what it writes into the audit carries that
 * (`estop.method_now`). Whoever adds a change need not think of it. It holds for one statement, in a transaction of its own, so that no
 * connection goes back to the others with it. A statement that fails takes its connection along, as it does without this.
 * @param isElevated under a role that was taken for a while
 */
export function byWay(store: Store, way: Way, isElevated = false): Store {
  // Words of ours alone: nothing here comes from a caller.
  const begin = `BEGIN; SET LOCAL estop.method = '${way}${isElevated ? '+break-glass' : ''}'`;
  const query = async (asked: string | QueryConfig, values?: unknown[]): Promise<unknown> => {
    const text = typeof asked === 'string' ? asked : asked.text;
    const called = [...text.matchAll(/\bestop\.([a-z_]+)\(/g)].map(([, name]) => name ?? '');
    if (called.every((name) => untoldFunctions.has(name))) return store.query(asked as QueryConfig, values); // both overloads are the same call
    const client = await store.connect();
    try {
      await client.query(begin);
      const result = await client.query(asked as QueryConfig, values); // as above
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (thrown) {
      client.release(true);
      throw thrown;
    }
  };
  // What is asked of a store that is handed to one request; its pool goes on being the other's.
  return { query, connect: () => store.connect() } as unknown as Store;
}
