import { z } from 'zod';
import type { Session } from './server.ts';
import { hasSqlState } from './sql-error.ts';

/** Kept as a comment on the role itself, where the agent cannot write: it survives us and any loss of our memory. */
const mark = z.object({
  estop: z.enum(['issued', 'tombstone']),
  connector: z.string(),
  grant: z.string(),
  ends: z.string(),
  /** When the old credential was seen refused as 28000, before its password was removed. */
  refusedAt: z.string().optional(),
});
export type RoleMark = z.output<typeof mark>;

export interface Role {
  readonly oid: number;
  readonly mayLogIn: boolean;
  /** Undefined: no comment of ours, so not a role of ours. */
  readonly mark: RoleMark | undefined;
}

export async function readRole(session: Session, name: string): Promise<Role | undefined> {
  const [row] = await session.rows<{ oid: number; rolcanlogin: boolean; comment: string | null }>(
    "SELECT oid::int8::int AS oid, rolcanlogin, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = $1",
    [name],
  );
  if (row === undefined) return undefined;
  return { oid: row.oid, mayLogIn: row.rolcanlogin, mark: parseMark(row.comment) };
}

export async function markRole(session: Session, name: string, next: RoleMark): Promise<void> {
  await session.run('write the mark of a role', 'COMMENT ON ROLE %I IS %L', [name, JSON.stringify(next)]);
}

export interface NewRole {
  readonly name: string;
  readonly verifier: string;
  readonly validUntil: string;
  readonly connectionLimit: number;
  readonly grantId: string;
  readonly connectorId: string;
}

/** Part of a transaction of the caller's. */
export async function createRole(session: Session, role: NewRole): Promise<void> {
  await session.run(
    'create the role of a grant',
    `CREATE ROLE %I LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${role.connectionLimit} PASSWORD %L VALID UNTIL %L`,
    [role.name, role.verifier, role.validUntil],
  );
  await markRole(session, role.name, {
    estop: 'issued',
    connector: role.connectorId,
    grant: role.grantId,
    ends: role.validUntil,
  });
  await mayBecome(session, role.name);
}

/**
 * Holds the name of a role that was never made, so that whoever still means to make it (a worker that was asleep) fails with
 * "exists already". This is what makes the right to mint dead before the grant's absolute end.
 */
export async function createTombstone(session: Session, name: string, held: Omit<RoleMark, 'estop'>): Promise<void> {
  await session.transaction(async () => {
    await session.run('hold the name of a role that was never made', 'CREATE ROLE %I NOLOGIN CONNECTION LIMIT 0', [
      name,
    ]);
    await markRole(session, name, { estop: 'tombstone', ...held });
  });
}

/** A prepared transaction is rolled back by its owner alone (or a superuser), so we must be able to become it. */
export async function mayBecome(session: Session, name: string): Promise<void> {
  const how = session.version >= 160_000 ? ' WITH INHERIT FALSE, SET TRUE' : '';
  await session.run('become a member of a role', `GRANT %I TO %I${how}`, [name, session.user]);
}

/** From 16 on a member need not be able to act AS the group: what it leaves behind then bears its own name. */
export async function grantMembership(session: Session, group: string, member: string): Promise<void> {
  const how = session.version >= 160_000 ? ' WITH INHERIT TRUE, SET FALSE' : '';
  await session.run(`give membership in ${JSON.stringify(group)}`, `GRANT %I TO %I${how}`, [group, member]);
}

/** Takes away what it is a member of. */
export async function revokeMemberships(session: Session, name: string): Promise<void> {
  for (const { granted, grantor } of await listMemberships(session, name)) {
    const by = session.version >= 160_000 && grantor !== null ? ' GRANTED BY %I' : '';
    await asFarAsWeMay(() =>
      session.run(`take membership in ${JSON.stringify(granted)}`, `REVOKE %I FROM %I${by}`, [
        granted,
        name,
        ...(by === '' ? [] : [grantor ?? '']),
      ]),
    );
  }
}

export function listMemberships(
  session: Session,
  name: string,
): Promise<readonly { readonly granted: string; readonly grantor: string | null }[]> {
  return session.rows<{ granted: string; grantor: string | null }>(
    `SELECT g.rolname AS granted, b.rolname AS grantor
     FROM pg_auth_members m JOIN pg_roles x ON x.oid = m.member JOIN pg_roles g ON g.oid = m.roleid LEFT JOIN pg_roles b ON b.oid = m.grantor
     WHERE x.rolname = $1 ORDER BY 1`,
    [name],
  );
}

const heldRights = `
  SELECT 'SCHEMA' AS kind, n.nspname AS schema, NULL AS name, string_agg(DISTINCT a.privilege_type, ', ') AS rights
  FROM pg_namespace n, aclexplode(n.nspacl) a JOIN pg_roles x ON x.oid = a.grantee WHERE x.rolname = $1 GROUP BY n.oid, n.nspname
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname, string_agg(DISTINCT a.privilege_type, ', ')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a JOIN pg_roles x ON x.oid = a.grantee
  WHERE x.rolname = $1 AND c.relowner <> x.oid GROUP BY c.oid, n.nspname, c.relname, c.relkind`;

/** What was given to the role itself, read from the catalogue of this database: also what others gave it. */
export async function revokePrivileges(session: Session, name: string): Promise<void> {
  const held = await session.rows<{ kind: string; schema: string; name: string | null; rights: string }>(heldRights, [
    name,
  ]);
  for (const { kind, schema, name: object, rights } of held) {
    const names = object === null ? [schema] : [schema, object];
    const place = names.map(() => '%I').join('.');
    // By name: ALL means the columns too, and without a right on those the server refuses the whole.
    await asFarAsWeMay(() =>
      session.run(`take rights on ${JSON.stringify(names.join('.'))}`, `REVOKE ${rights} ON ${kind} ${place} FROM %I`, [
        ...names,
        name,
      ]),
    );
  }
}

/**
 * What somebody else gave can be theirs to take. That must not hold up the cut: a role that cannot log in has no use for it, and the
 * probe names the memberships that are left.
 */
async function asFarAsWeMay(take: () => Promise<void>): Promise<void> {
  try {
    await take();
  } catch (thrown) {
    if (!hasSqlState(thrown, '42501', '0LP01')) throw thrown;
  }
}

/** Who can act as this role under another name. We ourselves can, in order to roll back what it prepared. */
export async function otherMembers(session: Session, name: string): Promise<readonly string[]> {
  const rows = await session.rows<{ member: string }>(
    `SELECT m.rolname AS member FROM pg_auth_members a JOIN pg_roles x ON x.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
     WHERE x.rolname = $1 AND m.rolname <> $2 ORDER BY 1`,
    [name, session.user],
  );
  return rows.map(({ member }) => member);
}

function parseMark(comment: string | null): RoleMark | undefined {
  if (comment === null) return undefined;
  try {
    return mark.safeParse(JSON.parse(comment)).data;
  } catch {
    return undefined;
  }
}
