import { Pool, type PoolClient, types as pgTypes } from 'pg';
import { sessionOptions } from '../core/session-options.ts';
import type { Row } from './row.ts';
import { storeError } from './store-error.ts';

export interface StoreOptions {
  readonly url: string;
  /** Seen in pg_stat_activity: which process holds which connection. */
  readonly applicationName: string;
  readonly max: number;
  /** Client-side end of waiting for one statement; the connection is dropped then, because its answer may still come. */
  readonly queryTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** An idle connection broke. It is replaced at the next use; this is for the log. */
  readonly onError?: (error: Error) => void;
  /** Warnings and notices of the server, which the driver would otherwise swallow. */
  readonly onNotice?: (notice: StoreNotice) => void;
}

export interface StoreNotice {
  readonly code: string;
  readonly message: string;
}

/** A pool of one role's connections. Everything in this folder takes one as its first argument. */
export type Store = Pool;
export type StoreClient = PoolClient;
/** What a statement can be sent through: the pool, or one connection of it. */
export type Queryable = Pick<Pool, 'query'> | Pick<PoolClient, 'query'>;

export function openStore(options: StoreOptions): Store {
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.max,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
    idleTimeoutMillis: 0,
    keepAlive: true,
    options: sessionOptions,
    types: {
      getTypeParser: ((oid: number, format?: 'text') => parserFor(oid, format)) as typeof pgTypes.getTypeParser,
    }, // its overloads cannot be written as one function
  });
  // Without these a broken connection would end the process: the pool listens to those that are idle, nobody to those in use, whose
  // statement fails with the same error anyway.
  pool.on('error', (error) => options.onError?.(error));
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    client.on('notice', (notice) => options.onNotice?.({ code: notice.code ?? '', message: notice.message ?? '' }));
  });
  return pool;
}

/** One autocommit call by a named prepared statement: planned once per connection. The name is unique per text. */
export async function call(
  db: Queryable,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  try {
    const result = await db.query<Row>({ name: `estop_${name}`, text, values: [...values] });
    return result.rows;
  } catch (thrown) {
    throw storeError(thrown);
  }
}

/** As `call`, where exactly one row must come. */
export async function callOne(db: Queryable, name: string, text: string, values: readonly unknown[]): Promise<Row> {
  const [row] = await call(db, name, text, values);
  if (row === undefined) throw storeError({ code: 'XX000', message: `${name} returned no row` });
  return row;
}

const int8 = 20;
const timestamptz = 1184;

function parserFor(oid: number, format?: 'text'): unknown {
  if (oid === int8) return parseInt8;
  if (oid === timestamptz) return parseTime;
  return pgTypes.getTypeParser(oid, format);
}

/** Epochs and counts. Beyond 2^53 they would lose their order, so that is refused. */
function parseInt8(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is not a safe integer`);
  return number;
}

/** `2026-11-20 22:52:00.123456+00` to ISO 8601 with all its digits: a cursor cut to milliseconds would skip rows. */
function parseTime(value: string): string {
  const match = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?\+00$/.exec(value);
  if (match === null) return value;
  return `${match[1]}T${match[2]}${(match[3] ?? '.').padEnd(7, '0')}Z`;
}
