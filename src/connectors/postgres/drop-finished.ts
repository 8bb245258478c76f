import { environmentPrefix } from '../kit/names.ts';
import { readRole } from './role.ts';
import type { Session } from './server.ts';
import { hasSqlState } from './sql-error.ts';

export interface Finished {
  readonly environment: string;
  /** Only what this connector made: the mark says so. */
  readonly connectorId: string;
  readonly now: Date;
  /** What goes with the role, inside the same transaction. */
  readonly also?: (session: Session, role: string) => Promise<void>;
}

/** Long after its end: a lane that is still open then finds no role, holds the name, and says so. */
const keptMs = 24 * 60 * 60_000;
const atOnce = 100;
const patience = '300ms';

/**
 * Dropping is never the cut (it fails while the role owns anything), but a role for every grant must not stay for ever. Drops a
 * few that were cut and whose end is long past. What cannot be dropped stays and is passed over. Returns how many are gone.
 */
export async function dropFinished(session: Session, finished: Finished): Promise<number> {
  const candidates = await session.rows<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles r
     WHERE starts_with(rolname, $1) AND NOT rolcanlogin AND shobj_description(oid, 'pg_authid') IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.usename = r.rolname)
     ORDER BY random() LIMIT $2`,
    [environmentPrefix(finished.environment), atOnce * 5],
  );
  let dropped = 0;
  for (const { name } of candidates) {
    if (dropped === atOnce) break;
    if ((await isFinished(session, name, finished)) && (await drop(session, name, finished))) dropped += 1;
  }
  return dropped;
}

async function isFinished(session: Session, name: string, { connectorId, now }: Finished): Promise<boolean> {
  const mark = (await readRole(session, name))?.mark;
  return mark !== undefined && mark.connector === connectorId && Date.parse(mark.ends) + keptMs < now.getTime();
}

async function drop(session: Session, name: string, { also }: Finished): Promise<boolean> {
  try {
    await session.transaction(async () => {
      await session.run('wait briefly', `SET LOCAL lock_timeout = '${patience}'`);
      await also?.(session, name);
      await session.run('drop a role that is long cut', 'DROP ROLE %I', [name]);
    });
    return true;
  } catch (thrown) {
    // 2BP01: it owns something. 42704: somebody else dropped it. 55P03: somebody is at work there. 42501: it is not ours.
    if (hasSqlState(thrown, '2BP01', '42704', '55P03', '40P01', '42501', '55006')) return false;
    throw thrown;
  }
}
