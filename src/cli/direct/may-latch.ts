import { sessionOptions } from '../../core/session-options.ts';

const patienceMs = 3_000;

/** Asks the store whether this role could latch, and latches nothing. */
export async function mayLatchDirectly(connectionString: string): Promise<'yes' | 'no' | 'away'> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    application_name: 'estop-doctor',
    options: sessionOptions,
  });
  client.on('error', () => undefined); // the query fails with the same
  try {
    await client.connect();
    const { rows } = await client.query<{ may: boolean }>(
      `SELECT has_function_privilege('estop.latch(text, text, smallint, integer, text, text, text, text, text)', 'EXECUTE') AND NOT pg_is_in_recovery() AS may`,
    );
    return rows[0]?.may === true ? 'yes' : 'no';
  } catch {
    return 'away';
  } finally {
    await client.end().catch(() => undefined);
  }
}
