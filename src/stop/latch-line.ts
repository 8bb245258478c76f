import { Socket } from 'node:net';
import { Client } from 'pg';
import type { StopOrder } from '../contract/stop.ts';
import { EstopError } from '../core/errors.ts';
import { sessionOptions } from '../core/session-options.ts';
import { raiseServer } from './raise-priority.ts';

export interface LatchRow {
  readonly stopId: string;
  readonly epoch: number;
  readonly scopeKey: string;
  readonly category: number;
  readonly latchedAt: string;
  readonly fresh: boolean;
  /** It was reset since it was latched: nothing is in force under this id. */
  readonly resetAt?: string;
}

/** One warm connection of its own. One call at a time; whoever takes it out of the pool is alone with it. */
export interface LatchLine {
  latch(order: StopOrder): Promise<LatchRow>;
  /** The latch function itself, without a stop: proof that a latch could commit now. rule: beat */
  beat(processName: string): Promise<void>;
  hint(channel: string, payload: string): Promise<void>;
  ping(): Promise<void>;
  /** At once and without a word to the server, which may be frozen. */
  discard(): void;
  /** Settles when the connection is gone, for whatever reason. */
  readonly gone: Promise<void>;
}

export interface LatchLineOptions {
  readonly databaseUrl: string;
  readonly processName: string;
  readonly connectTimeoutMs: number;
}

const latchCall = 'SELECT * FROM estop.latch($1, $2, $3::smallint, $4::integer, $5, $6, $7, $8, $9)';

/**
 * A session that keeps what the latch relies on whatever the server's defaults are. Waiting for the stop lock ends after
 * 9 s, so that a lock which is stuck does not use up this role's connections. Best effort: a server that refuses one of
 * these still latches.
 */
const sessionSettings = [
  'SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
  "SET lock_timeout = '9s'",
  "SET client_connection_check_interval = '1s'",
] as const;

/**
 * A whole latch, taken back: afterwards this session knows plans and catalogue that the first stop would otherwise have to wait
 * for. In ONE message, so that the lock of stops is never held for a client that may have frozen, and nothing of it is ever
 * committed. Best effort: where the lock is taken, the line is as good as before.
 */
const rehearsal = `BEGIN; SET LOCAL lock_timeout = '50ms'; SET LOCAL statement_timeout = '500ms';
  SELECT * FROM estop.latch('rehearsal', 'task:rehearsal', 0::smallint, 0, '', 'rehearsal', 'api', NULL, NULL); ROLLBACK`;

export async function openLatchLine(options: LatchLineOptions): Promise<LatchLine> {
  const socket = new Socket();
  const client = new Client({
    connectionString: options.databaseUrl,
    application_name: options.processName,
    options: sessionOptions,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    stream: () => socket,
  });
  const gone = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  client.on('error', () => socket.destroy()); // an idle connection that breaks is told here; `gone` tells everybody else
  let warning: string | undefined;
  client.on('notice', ({ code, message }) => {
    // By SQLSTATE class, since severities are translated: 00 is a mere notice, everything else a warning.
    if (code?.startsWith('00') !== true) warning = message ?? 'a warning without a text';
  });
  try {
    await client.connect();
    for (const setting of sessionSettings) await client.query(setting).catch(() => undefined);
    await raise(client, socket).catch(() => undefined);
    await client.query(rehearsal).catch(() => client.query('ROLLBACK'));
  } catch (cause) {
    socket.destroy();
    throw new EstopError('store-unavailable', { detail: 'no connection to the store', cause });
  }

  /**
   * The promise resolves at ReadyForQuery, after the commit. A WARNING on the way means that the wait for a synchronous
   * standby was cancelled: the row is visible here and may be nowhere else, so this is no acknowledgement. A repeat waits for the
   * standby as well: the lock it takes is a row's, which makes it a write.
   * rule: ack-after-standby, one-autocommit-call
   */
  const call = async (values: readonly unknown[]): Promise<LatchRow | undefined> => {
    warning = undefined;
    const { rows } = await client.query({ name: 'latch', text: latchCall, values: [...values] });
    if (warning !== undefined)
      throw new EstopError('store-unavailable', { detail: `the commit was not confirmed: ${String(warning)}` });
    return rows[0] === undefined ? undefined : toRow(rows[0]);
  };
  const beat = async (processName: string): Promise<void> => {
    await call([null, null, 0, 0, '', processName, '', null, null]);
  };

  return {
    gone,
    beat,
    latch: async (order) => {
      const row = await call([
        order.stopId,
        order.scopeKey,
        order.category,
        order.graceMs,
        order.reason,
        order.actor,
        order.method,
        order.trace ?? null,
        order.traceState ?? null,
      ]);
      if (row === undefined) throw new EstopError('store-unavailable', { detail: 'the latch gave no row' });
      return row;
    },
    hint: async (channel, payload) => {
      await client.query('SELECT pg_notify($1, $2)', [channel, payload]);
    },
    ping: async () => {
      await client.query('SELECT 1');
    },
    discard: () => void socket.destroy(),
  };
}

async function raise(client: Client, socket: Socket): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  for (const { pid } of rows) raiseServer(pid, socket.localPort);
}

function toRow(row: Record<string, unknown>): LatchRow {
  const instant = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value));
  const resetAt = row['reset_at'] ?? undefined;
  return {
    stopId: String(row['stop_id']),
    epoch: Number(row['epoch']),
    scopeKey: String(row['scope_key']),
    category: Number(row['category']),
    latchedAt: instant(row['latched_at']),
    fresh: row['fresh'] === true,
    ...(resetAt === undefined ? {} : { resetAt: instant(resetAt) }),
  };
}
