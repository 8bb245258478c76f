import { EstopError } from '../../core/errors.ts';
import type { GrantSecret, LedgerGrant } from '../kit/contract.ts';
import { type PostgresGrant, postgresGrant } from './options.ts';
import { createRole, grantMembership, readRole } from './role.ts';
import { roleOf } from './role-handle.ts';
import { randomPassword, scramVerifier } from './scram-verifier.ts';
import { type Server, type Session, withSession } from './server.ts';
import { onSharedRow } from './shared-row.ts';
import { hasSqlState } from './sql-error.ts';

export interface Issue {
  readonly server: Server;
  readonly signal: AbortSignal;
  readonly grant: LedgerGrant;
  readonly connectorId: string;
  /** Further rights, in the same transaction. */
  readonly also?: (session: Session, role: string) => Promise<void>;
}

/**
 * Makes the role and gives it its rights in one transaction. Asked a second time for the same grant (the first reply was lost) it gives
 * the role a new password, but only while the role may log in: what a stop has cut is never brought back, and a name that a cut holds is
 * never taken.
 */
export async function issueRole({ server, signal, grant, connectorId, also }: Issue): Promise<GrantSecret> {
  const name = roleOf(grant);
  const rights = rightsOf(grant);
  const password = randomPassword();
  const verifier = scramVerifier(password);
  await withSession(server, signal, async (session) => {
    await refusePowerful(session, rights.memberOf);
    const make = async (): Promise<void> => {
      await createRole(session, {
        name,
        verifier,
        validUntil: grant.absoluteEnd,
        connectionLimit: rights.connectionLimit,
        grantId: grant.grantId,
        connectorId,
      });
      for (const group of rights.memberOf) await grantMembership(session, group, name);
      for (const { schema, tables } of rights.schemas) await grantSchema(session, schema, tables, name);
      await also?.(session, name);
    };
    try {
      await onSharedRow(signal, () => session.transaction(make));
    } catch (thrown) {
      if (!hasSqlState(thrown, '42710', '23505')) throw thrown;
      await renewPassword(session, grant, name, verifier);
    }
  });
  const { host, port, database } = server;
  return { host, port, database, user: name, password };
}

async function renewPassword(session: Session, grant: LedgerGrant, name: string, verifier: string): Promise<void> {
  const role = await readRole(session, name);
  if (role?.mark?.estop !== 'issued' || role.mark.grant !== grant.grantId || !role.mayLogIn) {
    throw new EstopError('conflict', {
      detail: 'The role of this grant is cut, or its name is held: nothing is issued under it any more.',
    });
  }
  await session.run('give the role of a grant a new password', 'ALTER ROLE %I PASSWORD %L', [name, verifier]);
}

/**
 * Table by table, and only what is ours to give: one table of somebody else's in the schema (the agent may have made it) would
 * otherwise refuse the whole grant, and every later one.
 */
async function grantSchema(
  session: Session,
  schema: string,
  rights: PostgresGrant['schemas'][number]['tables'],
  role: string,
): Promise<void> {
  const what = `give rights on schema ${JSON.stringify(schema)}`;
  await session.run(what, 'GRANT USAGE ON SCHEMA %I TO %I', [schema, role]);
  const given = await session.rows<{ kind: string; name: string }>(grantable, [
    schema,
    rights.map((right) => `${right} with grant option`),
    rights.includes('insert'),
  ]);
  for (const { kind, name } of given) {
    const right = kind === 'SEQUENCE' ? 'USAGE' : rights.join(', ');
    await session.run(`give rights on ${JSON.stringify(name)}`, `GRANT ${right} ON ${kind} %I.%I TO %I`, [
      schema,
      name,
      role,
    ]);
  }
  if (given.length > 0) return;
  throw new EstopError('config-invalid', {
    detail: `In the schema ${JSON.stringify(schema)} there is no table on which we may give ${rights.join(', ')}.`,
  });
}

const grantable = `
  SELECT 'TABLE' AS kind, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT 1 FROM unnest($2::text[]) right_wanted WHERE NOT has_table_privilege(c.oid, right_wanted))
  UNION ALL
  SELECT 'SEQUENCE', c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND $3 AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'usage with grant option') ELSE false END
  ORDER BY 1 DESC, 2`;

/** A member of such a group could make roles of its own, or read past every rule: no cut of its own role would end that. */
async function refusePowerful(session: Session, groups: readonly string[]): Promise<void> {
  if (groups.length === 0) return;
  const powerful = await session.rows<{ name: string }>(
    `SELECT g.rolname AS name FROM pg_roles g WHERE g.rolname = ANY ($1::name[]) AND EXISTS (
       SELECT 1 FROM pg_roles p WHERE (p.rolsuper OR p.rolcreaterole OR p.rolcreatedb OR p.rolreplication OR p.rolbypassrls) AND pg_has_role(g.oid, p.oid, 'MEMBER'))`,
    [groups],
  );
  if (powerful.length === 0) return;
  const names = powerful.map(({ name }) => JSON.stringify(name)).join(', ');
  throw new EstopError('config-invalid', {
    detail: `An agent is not given membership in ${names}: it makes roles or databases, replicates, or passes row security.`,
  });
}

function rightsOf(grant: LedgerGrant): PostgresGrant {
  const { memberOf, schemas, connectionLimit } = grant.handle;
  return postgresGrant.parse({
    memberOf: JSON.parse(String(memberOf)),
    schemas: JSON.parse(String(schemas)),
    connectionLimit,
  });
}
