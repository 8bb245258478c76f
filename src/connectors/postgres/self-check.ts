import type { SelfCheck } from '../kit/contract.ts';
import { controlResultOf } from '../kit/results.ts';
import { type ControlRole, controlRole, letsAnyoneIn } from './control-role.ts';
import { type Session, withSession } from './server.ts';

const oldestVersion = 150_000;

/** Everything that a cut will need, asked for before it is needed. `ok` only if nothing is missing; a finding may also just warn. */
export async function checkServer(
  control: ControlRole,
  more: (session: Session) => Promise<readonly string[]> = async () => [],
): Promise<SelfCheck> {
  const { missing, warnings } = await withSession(control.server, control.signal, async (session) => {
    const rights = await checkRights(session);
    return { missing: [...rights, ...(await more(session))], warnings: await warn(session) };
  });
  // A control that cannot be made must not hide why: the right that it takes is among the missing.
  const verdict = await controlRole(control).catch(controlResultOf);
  if (verdict.kind === 'not-allowed') missing.push(verdict.why);
  else if (await letsAnyoneIn(control))
    missing.push(
      'The server lets a login in with a wrong password (pg_hba.conf: trust), so no denial proves anything.',
    );
  return { ok: missing.length === 0, findings: [...missing, ...warnings] };
}

async function checkRights(session: Session): Promise<readonly string[]> {
  const [row] = await session.rows<{ superuser: boolean; createrole: boolean; signals: boolean }>(
    "SELECT rolsuper AS superuser, rolcreaterole AS createrole, pg_has_role('pg_signal_backend', 'MEMBER') AS signals FROM pg_roles WHERE rolname = current_user",
  );
  const missing: string[] = [];
  if (session.version < oldestVersion) missing.push('The server is older than PostgreSQL 15.');
  if (row?.superuser === true) return missing;
  if (row?.createrole !== true) missing.push('Our role lacks CREATEROLE: it can make and cut no roles.');
  if (row?.signals !== true) missing.push('Our role is not a member of pg_signal_backend: it can end no sessions.');
  return missing;
}

async function warn(session: Session): Promise<readonly string[]> {
  const [row] = await session.rows<{ superuser: boolean; prepared: number }>(
    "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser, current_setting('max_prepared_transactions')::int AS prepared",
  );
  const warnings: string[] = [];
  if (row?.superuser === true)
    warnings.push('Our role is a superuser, which is more than it needs: CREATEROLE and pg_signal_backend suffice.');
  if (session.version < 160_000 && (row?.prepared ?? 0) > 0) {
    warnings.push(
      'Before PostgreSQL 16 a member can act as its group: a transaction prepared in the name of a group cannot be told apart and is not rolled back.',
    );
  }
  return warnings;
}
