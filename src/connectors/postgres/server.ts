import { isIP, Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';
import { type ErrorCode, EstopError } from '../../core/errors.ts';
import { sessionOptions } from '../../core/session-options.ts';
import { type Network, resolveAddress } from '../kit/address.ts';
import { isSqlError, whyOf } from './sql-error.ts';

/** Where to connect and as whom: complete, with the secret in it. Lives for one attempt. */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly sslmode: 'verify-full' | 'require' | 'disable';
  readonly ca?: string;
  readonly network: Network;
}

/** One connection. Names and values get into a statement in two ways only: as parameters, or by the server's own format(). */
export interface Session {
  readonly user: string;
  readonly database: string;
  /** 150000, 180004 .. */
  readonly version: number;
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** With names in it that the server fills in (%I) and parameters ($1). */
  query<Row extends object>(
    template: string,
    names: readonly string[],
    values: readonly unknown[],
  ): Promise<readonly Row[]>;
  /** For statements that take no parameters: `template` is filled by the server, %I for a name, %L for a literal. */
  run(what: string, template: string, values?: readonly string[]): Promise<void>;
  transaction<T>(work: () => Promise<T>): Promise<T>;
}

/** How long a statement waits for a lock before it looks who is in the way. */
const lockTimeoutMs = 500;

/**
 * Opens a connection of our own, gives it to `work`, closes it. One for each attempt: a connection that hangs or was cut takes
 * nothing else with it. Aborting the signal destroys the socket, whatever state the protocol is in.
 */
export async function withSession<T>(
  server: Server,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connection = await open(server, signal);
  try {
    const settings = `SET search_path = pg_catalog, pg_temp; SET lock_timeout = ${lockTimeoutMs}; SET application_name = 'estop'; SHOW server_version_num`;
    // Several statements in one message: the driver gives one result for each.
    const results = (await connection.client.query(settings)) as unknown as readonly {
      readonly rows: readonly { readonly server_version_num?: string }[];
    }[];
    const version = Number(results.at(-1)?.rows[0]?.server_version_num);
    if (!Number.isSafeInteger(version))
      throw new EstopError('connector-garbage', { detail: 'The server names no version.' });
    return await work(sessionOf(connection.client, server, version));
  } catch (thrown) {
    throw translate(thrown, signal, `PostgreSQL at ${server.host}:${server.port}`);
  } finally {
    connection.close();
  }
}

export type Login =
  | { readonly kind: 'in' }
  /** `routine`: the place in the server that refused; unlike the message it does not depend on the server's language. */
  | { readonly kind: 'refused'; readonly sqlstate: string; readonly routine: string };

/** One fresh login, as an agent would do it. Throws if the server could not be asked. */
export async function tryLogin(server: Server, signal: AbortSignal): Promise<Login> {
  let connection: Connection | undefined;
  try {
    connection = await connect(server, signal);
    await connection.client.query('SELECT 1');
    return { kind: 'in' };
  } catch (thrown) {
    // Class 28: the server has decided about this login. Anything else (too many connections, starting up) decides nothing.
    if (isSqlError(thrown) && thrown.code.startsWith('28'))
      return { kind: 'refused', sqlstate: thrown.code, routine: thrown.routine ?? '' };
    throw translate(thrown, signal, `a login at ${server.host}:${server.port}`);
  } finally {
    connection?.close();
  }
}

interface Connection {
  readonly client: Client;
  close(): void;
}

async function open(server: Server, signal: AbortSignal): Promise<Connection> {
  try {
    return await connect(server, signal);
  } catch (thrown) {
    const where = `PostgreSQL at ${server.host}:${server.port}`;
    if (isSqlError(thrown) && (thrown.code.startsWith('28') || thrown.code === '3D000' || thrown.code === '42501')) {
      throw new EstopError('connector-refused', { detail: `${where} refuses our own credential (${thrown.code}).` });
    }
    throw translate(thrown, signal, where);
  }
}

async function connect(server: Server, signal: AbortSignal): Promise<Connection> {
  const { ip } = await resolveAddress(server.host, server.network, signal);
  signal.throwIfAborted();
  // A socket of our own: it can be destroyed at once, which the driver has no word for.
  const socket = new Socket();
  const client = new Client({
    host: ip,
    port: server.port,
    database: server.database,
    user: server.user,
    password: server.password,
    ssl: tlsOf(server),
    options: sessionOptions,
    stream: () => socket,
    keepAlive: true,
  } satisfies ClientConfig);
  // A connection that is cut while idle emits an error; the next statement reports it.
  client.on('error', () => undefined);
  const abort = (): void => void socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  const close = (): void => {
    signal.removeEventListener('abort', abort);
    client.end().catch(() => undefined);
    setTimeout(abort, 1_000).unref();
  };
  try {
    await client.connect();
    return { client, close };
  } catch (error) {
    signal.removeEventListener('abort', abort);
    socket.destroy();
    throw error;
  }
}

function tlsOf({ host, sslmode, ca }: Server): ClientConfig['ssl'] {
  if (sslmode === 'disable') return false;
  // The name is kept for the certificate although the connection goes to the address that was checked.
  const name = isIP(host) === 0 ? { servername: host } : {};
  return { ...name, rejectUnauthorized: sslmode === 'verify-full', ...(ca === undefined ? {} : { ca }) };
}

function sessionOf(client: Client, { user, database }: Server, version: number): Session {
  const rows = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
    (await client.query<Row>(text, [...values])).rows;
  const fill = async (template: string, values: readonly string[]): Promise<string> => {
    const [filled] = await rows<{ readonly statement: string }>('SELECT format($1, VARIADIC $2::text[]) AS statement', [
      template,
      values,
    ]);
    return filled?.statement ?? '';
  };
  return {
    user,
    database,
    version,
    rows,
    query: async (template, names, values) => rows(await fill(template, names), values),
    run: async (what, template, values = []) => {
      const statement = await fill(template, values);
      try {
        await client.query(statement);
      } catch (thrown) {
        throw describe(thrown, what);
      }
    },
    transaction: async (work) => {
      await client.query('BEGIN');
      try {
        const result = await work();
        await client.query('COMMIT');
        return result;
      } catch (thrown) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw thrown;
      }
    },
  };
}

/** Adds what we were doing, and takes the server's own words away: they may quote values. */
function describe(thrown: unknown, what: string): unknown {
  return isSqlError(thrown) ? Object.assign(thrown, { what }) : thrown;
}

function translate(thrown: unknown, signal: AbortSignal, where: string): unknown {
  if (thrown instanceof EstopError) return thrown; // of this very process
  if (signal.aborted) return new EstopError('connector-unavailable', { detail: `${where} did not answer in time.` });
  if (!isSqlError(thrown)) return new EstopError('connector-unavailable', { detail: `${where}: ${whyOf(thrown)}.` });
  const what = thrown.what === undefined ? '' : `: ${thrown.what}`;
  return new EstopError(meaningOf(thrown.code), { detail: `${where}${what} (SQLSTATE ${thrown.code}).` });
}

/** 42501: we lack a right. 42704, 3F000, 42P01: a role, schema or table that the configuration names is not there. */
function meaningOf(sqlstate: string): ErrorCode {
  if (sqlstate === '42501') return 'connector-refused';
  return ['42704', '3F000', '42P01'].includes(sqlstate) ? 'config-invalid' : 'connector-unavailable';
}
