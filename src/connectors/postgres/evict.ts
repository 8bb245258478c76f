import { setTimeout as sleep } from 'node:timers/promises';
import { EstopError } from '../../core/errors.ts';
import { mayBecome } from './role.ts';
import { type Server, type Session, withSession } from './server.ts';
import { onSharedRow } from './shared-row.ts';
import { hasSqlState } from './sql-error.ts';

export interface Eviction {
  readonly session: Session;
  /** Prepared transactions belong to one database each, so that others of the cluster must be reached too. */
  readonly server: Server;
  readonly signal: AbortSignal;
  readonly role: string;
}

const backendPatienceMs = 3_000;
const rounds = 5;

/** Sessions by the name they logged in under: SET ROLE does not hide them. */
export async function countBackends({ session, role }: Pick<Eviction, 'session' | 'role'>): Promise<number> {
  const [row] = await session.rows<{ backends: number }>(
    'SELECT count(*)::int AS backends FROM pg_stat_activity WHERE usename = $1',
    [role],
  );
  return row?.backends ?? 0;
}

/** Ends its sessions until none is seen twice. False: some remain. */
export async function terminateBackends(eviction: Eviction): Promise<boolean> {
  let seenNone = 0;
  for (let round = 0; round < rounds && seenNone < 2; round += 1) {
    const ended = await eviction.session.rows<{ gone: boolean }>(
      'SELECT pg_terminate_backend(pid, $2) AS gone FROM pg_stat_activity WHERE usename = $1',
      [eviction.role, backendPatienceMs],
    );
    seenNone = ended.length === 0 ? seenNone + 1 : 0;
    if (ended.length === 0 && seenNone < 2) await sleep(50, undefined, { signal: eviction.signal });
  }
  return seenNone === 2;
}

interface Prepared {
  readonly gid: string;
  readonly database: string;
}

export function listPrepared({ session, role }: Pick<Eviction, 'session' | 'role'>): Promise<readonly Prepared[]> {
  return session.rows<{ gid: string; database: string }>(
    'SELECT gid, database FROM pg_prepared_xacts WHERE owner = $1 ORDER BY database',
    [role],
  );
}

/** A prepared transaction has no session: it outlives all of them, keeps its locks, and anyone who is its owner can commit it. */
export async function rollBackPrepared(eviction: Eviction): Promise<boolean> {
  const { session, server, signal } = eviction;
  for (const { gid, database } of await listPrepared(eviction)) {
    if (database === session.database) await rollBack(session, eviction.role, gid);
    else await withSession({ ...server, database }, signal, (there) => rollBack(there, eviction.role, gid));
  }
  return (await listPrepared(eviction)).length === 0;
}

async function rollBack(session: Session, role: string, gid: string): Promise<void> {
  if (!(await canBecome(session, role))) await mayBecome(session, role);
  await session.run('become the owner of a prepared transaction', 'SET ROLE %I', [role]);
  try {
    await session.run('roll back a prepared transaction', 'ROLLBACK PREPARED %L', [gid]);
  } catch (thrown) {
    // 42704: somebody was faster. 55000: another session is at it right now; the count afterwards tells.
    if (!hasSqlState(thrown, '42704', '55000')) throw thrown;
  } finally {
    await session.run('become ourselves again', 'RESET ROLE');
  }
}

async function canBecome(session: Session, role: string): Promise<boolean> {
  const how = session.version >= 160_000 ? 'SET' : 'MEMBER';
  const [row] = await session.rows<{ can: boolean }>('SELECT pg_has_role($1::name, $2) AS can', [role, how]);
  return row?.can === true;
}

/**
 * Does what may wait for a lock that the agent holds: on its own row in the catalogue (by changing its own password in an open or
 * a prepared transaction), or on its table. Whoever is in the way is put out, then it is tried again.
 */
export async function pastLocks<T>(eviction: Eviction, act: () => Promise<T>): Promise<T> {
  for (let round = 0; round < rounds; round += 1) {
    try {
      return await onSharedRow(eviction.signal, act);
    } catch (thrown) {
      // 55P03 lock not available, 40P01 deadlock.
      if (!hasSqlState(thrown, '55P03', '40P01')) throw thrown;
      await terminateBackends(eviction);
      await rollBackPrepared(eviction);
    }
  }
  throw new EstopError('connector-unavailable', { detail: 'A lock of somebody else stands in the way of the cut.' });
}
