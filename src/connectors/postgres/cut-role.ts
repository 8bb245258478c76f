import type { LedgerGrant, RevokeResult } from '../kit/contract.ts';
import { alreadyGone, notFound, retryable, revoked } from '../kit/results.ts';
import { type Eviction, pastLocks, rollBackPrepared, terminateBackends } from './evict.ts';
import { createTombstone, markRole, type Role, readRole, revokeMemberships, revokePrivileges } from './role.ts';
import { tryLogin } from './server.ts';
import { hasSqlState } from './sql-error.ts';

export interface RoleCut extends Eviction {
  readonly grant: LedgerGrant;
  readonly connectorId: string;
  /** Whether this process saw the role before it was cut: what tells "already gone" from "never found". */
  readonly sawIt: boolean;
}

/** Finds the role of the grant and cuts it, or says why there is nothing to cut. A name that nobody holds is held from now on. */
async function onRole(cut: RoleCut, act: (role: Role) => Promise<RevokeResult>): Promise<RevokeResult> {
  const role = (await readRole(cut.session, cut.role)) ?? (await holdName(cut));
  if (role === undefined)
    return cut.sawIt ? alreadyGone : notFound('The server knows no role of that name; the name is held now.');
  if (role.mark?.estop === 'tombstone')
    return cut.sawIt ? alreadyGone : notFound('The role was never made here; its name is held.');
  return act(role);
}

/** Undefined: it was free and is held now. A role: somebody made it this very moment, so there is something to cut. */
async function holdName({ session, role, grant, connectorId }: RoleCut): Promise<Role | undefined> {
  try {
    await createTombstone(session, role, { connector: connectorId, grant: grant.grantId, ends: grant.absoluteEnd });
    return undefined;
  } catch (thrown) {
    if (!hasSqlState(thrown, '42710', '23505')) throw thrown;
    return readRole(session, role);
  }
}

/** No new login, no rights. First the login: whatever goes wrong with the rights, nobody comes in any more. */
export function fenceRole(cut: RoleCut): Promise<RevokeResult> {
  const { session, role } = cut;
  return onRole(cut, async () => {
    await pastLocks(cut, () => session.run('forbid the login', 'ALTER ROLE %I NOLOGIN CONNECTION LIMIT 0', [role]));
    await pastLocks(cut, () => revokeMemberships(session, role));
    await pastLocks(cut, () => revokePrivileges(session, role));
    return revoked;
  });
}

export function terminateRole(cut: RoleCut): Promise<RevokeResult> {
  return onRole(cut, async () =>
    (await terminateBackends(cut)) ? revoked : retryable('Sessions of the role do not end.', 1_000),
  );
}

/**
 * Without its password the role stays dead even if somebody lets it log in again. But then a login fails as "wrong password"
 * (28P01), which proves nothing: so the old credential is tried first, and that it was refused as 28000, known but not permitted,
 * is written on the role in the same transaction.
 */
export function dropPassword(cut: RoleCut): Promise<RevokeResult> {
  const { session, role } = cut;
  return onRole(cut, async (state) => {
    const refusal = state.mark?.refusedAt === undefined ? await presentOldCredential(cut) : 'unknown';
    if (refusal === 'let in') return retryable('The old credential still logs in.', 1_000);
    await pastLocks(cut, () =>
      session.transaction(async () => {
        if (refusal === 'not permitted' && state.mark !== undefined)
          await markRole(session, role, { ...state.mark, refusedAt: new Date().toISOString() });
        await session.run('remove the password', 'ALTER ROLE %I PASSWORD NULL', [role]);
      }),
    );
    return revoked;
  });
}

async function presentOldCredential({
  server,
  signal,
  role,
  grant,
}: RoleCut): Promise<'let in' | 'not permitted' | 'unknown'> {
  const password = grant.secret?.['password'];
  if (typeof password !== 'string') return 'unknown';
  const login = await tryLogin({ ...server, user: role, password }, signal);
  if (login.kind === 'in') return 'let in';
  return notPermitted(login) ? 'not permitted' : 'unknown';
}

/** 28000 also means "no entry in pg_hba.conf"; only this routine speaks about the role itself. */
export function notPermitted(login: { readonly sqlstate: string; readonly routine: string }): boolean {
  return login.sqlstate === '28000' && login.routine === 'InitializeSessionUserId';
}

export function purgeRole(cut: RoleCut): Promise<RevokeResult> {
  return onRole(cut, async () =>
    (await rollBackPrepared(cut)) ? revoked : retryable('A prepared transaction of the role does not go away.', 1_000),
  );
}

/** Once more, after everything: what slipped in between. */
export function sweepRole(cut: RoleCut): Promise<RevokeResult> {
  return onRole(cut, async () => {
    if (!(await terminateBackends(cut))) return retryable('Sessions of the role do not end.', 1_000);
    return (await rollBackPrepared(cut))
      ? revoked
      : retryable('A prepared transaction of the role does not go away.', 1_000);
  });
}
