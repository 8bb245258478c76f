import { EstopError } from '../../core/errors.ts';
import type { Session } from '../postgres/server.ts';
import { hasSqlState } from '../postgres/sql-error.ts';

export interface Queue {
  /** The schema of pg-boss. */
  readonly schema: string;
  readonly name: string;
  /** Other generations use it too, so it is emptied and never closed. */
  readonly shared: boolean;
}

export interface QueueState {
  /** created, retry: waiting, delayed ones included. */
  readonly waiting: number;
  readonly active: number;
  readonly schedules: number;
  /** Cancelled by us while somebody was working on them. */
  readonly possiblyCompleted: number;
  readonly closed: boolean;
}

/** The lock that pg-boss's own library takes for this: two new queues at once deadlock over the table of queues. */
const oneQueueAtATime = `SELECT pg_advisory_xact_lock(
  ('x' || encode(sha224((current_database() || '.pgboss.' || $1::text || 'create-queue')::bytea), 'hex'))::bit(64)::bigint)`;

interface NewQueue {
  readonly retryLimit: number;
  readonly schedule: { readonly cron: string; readonly timezone: string; readonly data: unknown } | undefined;
}

/** A row that this holds back can neither be written nor changed, while deleting stays possible. */
const closedBy = 'estop_closed';
/** A job with a dead-letter queue would be carried over there, into another's queue, by pg-boss itself: with its owner's rights. */
const noDeadLetter = 'estop_no_dead_letter';
/** pg-boss puts a due schedule here first, and from here into its queue. */
const forwarding = '__pgboss__send-it';
/** Attaching a partition locks the default one for a moment; while it waits for that, everybody else waits behind it. */
const attachPatience = '2s';

/**
 * A queue with a table of its own (a partition of pg-boss's), and rights for the role on that table alone: pg-boss's library then sends,
 * fetches and completes there and can reach no other queue. Part of a transaction of the caller's.
 */
export async function openQueue(session: Session, queue: Queue, role: string, options: NewQueue): Promise<void> {
  const { schema, name } = queue;
  await asOwner(session, queue, async () => {
    await session.run('wait for a new queue', `SET LOCAL lock_timeout = '${attachPatience}'`);
    await session.rows(oneQueueAtATime, [schema]);
    const settings = JSON.stringify({ policy: 'standard', partition: true, retryLimit: options.retryLimit });
    await session.query('SELECT %I.create_queue($1, $2::jsonb)', [schema], [name, settings]);
    const table = await tableOf(session, queue);
    if (table === undefined)
      throw new EstopError('connector-refused', {
        detail: 'The queue has no table of its own: it was made by somebody else.',
      });
    await addCheck(session, schema, table, noDeadLetter, 'dead_letter IS NULL');
    await session.run('let the role into the schema', 'GRANT USAGE ON SCHEMA %I TO %I', [schema, role]);
    await session.run('let the role read what queues there are', 'GRANT SELECT ON %I.version, %I.queue TO %I', [
      schema,
      schema,
      role,
    ]);
    await session.run('let the role use its queue', 'GRANT SELECT, INSERT, UPDATE, DELETE ON %I.%I TO %I', [
      schema,
      table,
      role,
    ]);
    if (options.schedule !== undefined) await addSchedule(session, queue, options.schedule);
  });
}

async function addSchedule(
  session: Session,
  { schema, name }: Queue,
  schedule: NonNullable<NewQueue['schedule']>,
): Promise<void> {
  await session.query(
    "INSERT INTO %I.schedule (name, key, cron, timezone, data, options) VALUES ($1, '', $2, $3, $4::jsonb, '{}') ON CONFLICT (name, key) DO NOTHING",
    [schema],
    [name, schedule.cron, schedule.timezone, JSON.stringify(schedule.data)],
  );
}

/**
 * Takes away everything in the queue that could still run: schedules and subscriptions, what pg-boss is about to forward, waiting and delayed
 * jobs. A job that somebody is working on is cancelled and kept, marked: whether it still completes, nobody can tell.
 * A queue that no other generation uses is closed in the same transaction: what comes too late, by whatever hand, is refused.
 * False: there is no such queue.
 */
export async function purgeQueue(session: Session, queue: Queue): Promise<boolean> {
  const { schema, name } = queue;
  return session.transaction(() =>
    asOwner(session, queue, async () => {
      const table = await tableOf(session, queue);
      if (table === undefined) return false;
      await session.query('DELETE FROM %I.schedule WHERE name = $1', [schema], [name]);
      await session.query('DELETE FROM %I.subscription WHERE name = $1', [schema], [name]);
      await session.query(
        "DELETE FROM %I.job WHERE name = $1 AND state < 'active' AND data->>'name' = $2",
        [schema],
        [forwarding, name],
      );
      await session.run(
        'open a closed queue for its last change',
        `ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS ${closedBy}`,
        [schema, table],
      );
      await session.query(
        "UPDATE %I.%I SET state = 'cancelled', completed_on = now(), output = $2::jsonb WHERE name = $1 AND state = 'active'",
        [schema, table],
        [name, JSON.stringify(marked)],
      );
      await session.query("DELETE FROM %I.%I WHERE name = $1 AND state < 'active'", [schema, table], [name]);
      if (!queue.shared) await addCheck(session, schema, table, closedBy, 'false');
      return true;
    }),
  );
}

const marked = { estop: 'possibly-completed' };

/** With its table: part of a transaction of the caller's, which must not wait long for the lock that this needs. */
export async function dropQueue(session: Session, queue: Queue): Promise<void> {
  await asOwner(session, queue, async () => {
    if ((await tableOf(session, queue)) !== undefined)
      await session.query('SELECT %I.delete_queue($1)', [queue.schema], [queue.name]);
  });
}

/** Undefined: there is no such queue. */
export async function readQueue(session: Session, queue: Queue): Promise<QueueState | undefined> {
  const { schema, name } = queue;
  return session.transaction(() =>
    asOwner(session, queue, async () => {
      const table = await tableOf(session, queue);
      if (table === undefined) return undefined;
      const [row] = await session.query<QueueState>(
        `SELECT count(*) FILTER (WHERE state < 'active')::int AS waiting, count(*) FILTER (WHERE state = 'active')::int AS active,
           count(*) FILTER (WHERE state = 'cancelled' AND output @> $2::jsonb)::int AS "possiblyCompleted",
           (SELECT count(*) FROM %I.schedule s WHERE s.name = $1)::int AS schedules,
           EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = '${closedBy}' AND c.conrelid = format('%%I.%%I', $3::text, $4::text)::regclass) AS closed
         FROM %I.%I WHERE name = $1`,
        [schema, schema, table],
        [name, JSON.stringify(marked), schema, table],
      );
      return row;
    }),
  );
}

/** Undefined: no such queue, or one without a table of its own, whose rows are not ours to touch. */
async function tableOf(session: Session, { schema, name }: Queue): Promise<string | undefined> {
  const [row] = await session.query<{ table: string }>(
    'SELECT table_name AS "table" FROM %I.queue WHERE name = $1 AND partition',
    [schema],
    [name],
  );
  return row?.table;
}

async function addCheck(
  session: Session,
  schema: string,
  table: string,
  constraint: string,
  condition: string,
): Promise<void> {
  const [there] = await session.rows<{ there: boolean }>(
    "SELECT true AS there FROM pg_constraint WHERE conname = $1 AND conrelid = format('%I.%I', $2::text, $3::text)::regclass",
    [constraint, schema, table],
  );
  if (there !== undefined) return;
  // NOT VALID: old rows stay as they are, new ones are held to it.
  await session.run(
    'put a condition on a queue',
    `ALTER TABLE %I.%I ADD CONSTRAINT ${constraint} CHECK (${condition}) NOT VALID`,
    [schema, table],
  );
}

/** What is made in pg-boss's schema must belong to its owner, or the application's own workers could not touch it. */
async function asOwner<T>(session: Session, { schema }: Queue, work: () => Promise<T>): Promise<T> {
  const owner = await ownerOf(session, schema);
  if (owner === undefined)
    throw new EstopError('connector-refused', {
      detail: `There is no pg-boss in the schema ${JSON.stringify(schema)}, or we may not see it.`,
    });
  if (owner === session.user) return work();
  await session.run('act as the owner of pg-boss', 'SET LOCAL ROLE %I', [owner]);
  const result = await work();
  await session.run('become ourselves again', 'RESET ROLE');
  return result;
}

async function ownerOf(session: Session, schema: string): Promise<string | undefined> {
  const [row] = await session.rows<{ owner: string }>(
    "SELECT pg_get_userbyid(c.relowner) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'job'",
    [schema],
  );
  return row?.owner;
}

/** What the connector needs of pg-boss, asked for before it is needed. */
export async function checkPgBoss(session: Session, schema: string): Promise<readonly string[]> {
  const owner = await ownerOf(session, schema);
  if (owner === undefined)
    return [`There is no pg-boss in the schema ${JSON.stringify(schema)}, or our role may not see it.`];
  try {
    return await session.transaction(() =>
      asOwner(session, { schema, name: '', shared: false }, async () => {
        const [has] = await session.rows<{ creates: boolean; tables: number }>(
          `SELECT to_regprocedure(format('%I.create_queue(text,jsonb)', $1::text)) IS NOT NULL AS creates,
             (SELECT count(*)::int FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = $1 AND (c.relname, a.attname) IN (('queue', 'table_name'), ('queue', 'partition'), ('schedule', 'name'), ('subscription', 'name'), ('job', 'dead_letter'))) AS tables`,
          [schema],
        );
        return has?.creates === true && has.tables === 5
          ? []
          : ['This pg-boss is not laid out as expected: 12.x with table partitioning is needed.'];
      }),
    );
  } catch (thrown) {
    if (!hasSqlState(thrown, '42501')) throw thrown;
    return [`Our role cannot act as ${JSON.stringify(owner)}, who owns pg-boss: make it a member.`];
  }
}
