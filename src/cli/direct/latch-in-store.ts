import type { StopOrder } from '../../contract/stop.ts';
import { EstopError } from '../../core/errors.ts';
import { sessionOptions } from '../../core/session-options.ts';

export interface DirectLatch {
  readonly epoch: number;
  readonly latchedAt: string;
  readonly fresh: boolean;
}

interface LatchedRow {
  readonly epoch: string;
  readonly scope_key: string;
  readonly latched_at: Date;
  readonly fresh: boolean;
  readonly reset_at: Date | null;
}

const patienceMs = 2_000;

/**
 * The latch itself, by a role that may do nothing else, in one autocommit call. Nothing of ours needs to run. A WARNING beside
 * the commit means that a standby did not confirm: that is no acknowledgement. Neither is the row it left behind: a repeat waits for
 * the standby as well. rule: one-autocommit-call, ack-after-standby
 */
export async function latchInStore(connectionString: string, order: StopOrder): Promise<DirectLatch> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: patienceMs,
    application_name: 'estop-direct',
    options: sessionOptions,
  });
  let warning: string | undefined;
  client.on('notice', (notice) => {
    // By SQLSTATE class, since severities are translated: 00 is a mere notice, everything else a warning.
    if (notice.code?.startsWith('00') !== true) warning = notice.message ?? 'warning';
  });
  client.on('error', () => undefined); // what matters fails the query below as well
  const work = (async () => {
    await client.connect();
    // A server whose default forgoes durability must not make this receipt a lie.
    await client.query(
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    );
    return client.query<LatchedRow>(
      'SELECT epoch, scope_key, latched_at, fresh, reset_at FROM estop.latch($1, $2, $3::smallint, $4, $5, $6, $7)',
      [order.stopId, order.scopeKey, order.category, order.graceMs, order.reason, order.actor, order.method],
    );
  })();
  try {
    const row = (await within(work)).rows[0];
    if (row === undefined || warning !== undefined) throw new Error(warning ?? 'no row');
    if (row.scope_key !== order.scopeKey)
      throw new EstopError('conflict', {
        detail: 'This stop id stands for a stop of another scope; this one is NOT in force. Leave out --stop-id.',
      });
    if (row.reset_at !== null)
      throw new EstopError('conflict', {
        detail: `This stop was reset at ${row.reset_at.toISOString()}; nothing is in force under its id. Leave out --stop-id.`,
      });
    return { epoch: Number(row.epoch), latchedAt: row.latched_at.toISOString(), fresh: row.fresh };
  } catch (cause) {
    if (cause instanceof EstopError) throw cause; // thrown above, in this very function
    throw new EstopError('store-unavailable', { detail: cause instanceof Error ? cause.message : 'no answer', cause });
  } finally {
    // A hung server would hold up a polite goodbye.
    work.catch(() => undefined);
    client.end().catch(() => undefined);
  }
}

async function within<Value>(work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no commit within ${patienceMs} ms`)), patienceMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
