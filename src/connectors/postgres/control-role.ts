import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, ConnectorHost, ControlResult } from '../kit/contract.ts';
import { controlName } from '../kit/names.ts';
import { grantMembership, readRole } from './role.ts';
import { scramVerifier } from './scram-verifier.ts';
import { type Server, tryLogin, withSession } from './server.ts';

/** While somebody else makes it: about as long as a session waits for a lock. */
const mostRounds = 40;
const betweenRoundsMs = 50;

/** How a connector names and makes its control identity. */
export function controlOf(
  host: ConnectorHost,
  server: Server,
  { signal }: CallContext,
  { controlMemberOf }: { readonly controlMemberOf: readonly string[] },
): ControlRole {
  return { server, signal, name: controlRoleName(host, server), memberOf: controlMemberOf };
}

export interface ControlRole {
  readonly server: Server;
  readonly signal: AbortSignal;
  readonly name: string;
  readonly memberOf: readonly string[];
}

/** Another administrator has a control identity of its own: two installations that share a cluster never touch each other's. */
export function controlRoleName(
  host: Pick<ConnectorHost, 'environment' | 'connectorId'>,
  { user }: Pick<Server, 'user'>,
): string {
  return controlName(host.environment, `${host.connectorId}\n${user}`);
}

/**
 * The control identity logs in where the probe does. Made at its first use and kept. Its password follows from the administrator's,
 * so that every worker knows it and none stores it. If it is refused it may not exist yet, or the administrator's was rotated: that is mended.
 * A control that somebody forbade to log in stays forbidden, and says so.
 */
export async function controlRole(control: ControlRole): Promise<ControlResult> {
  const { server, signal, name } = control;
  const password = controlPassword(control);
  const asControl: Server = { ...server, user: name, password };
  let made = false;
  let why = '';
  for (let round = 0; round < mostRounds; round += 1) {
    const login = await tryLogin(asControl, signal);
    if (login.kind === 'in') return { kind: 'allowed' };
    why = `The control identity is refused (${login.sqlstate}).`;
    if (made) break;
    made = await establish(control, password);
    if (!made) await sleep(betweenRoundsMs * (0.5 + Math.random()), undefined, { signal });
  }
  return { kind: 'not-allowed', why: made ? why : `${why} Another session is still making it.` };
}

/** A password that is surely wrong: a server that lets it in trusts everybody, and then no denial proves anything. */
export async function letsAnyoneIn({ server, signal, name }: ControlRole): Promise<boolean> {
  return (await tryLogin({ ...server, user: name, password: 'not the password' }, signal)).kind === 'in';
}

function controlPassword({ server, name }: ControlRole): string {
  return createHmac('sha256', server.password).update(`estop control identity\n${name}`).digest('base64url');
}

/**
 * False: somebody else is at it. Many lanes come here at the same moment, at the first use: in a queue, each to do again what the one
 * before has done, the last would wait for longer than a session waits for a lock.
 */
async function establish({ server, signal, name, memberOf }: ControlRole, password: string): Promise<boolean> {
  return withSession(server, signal, (session) =>
    session.transaction(async () => {
      const [lock] = await session.rows<{ readonly mine: boolean }>(
        'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine',
        [name],
      );
      if (lock?.mine !== true) return false;
      if ((await readRole(session, name)) === undefined) {
        await session.run('create the control identity', 'CREATE ROLE %I LOGIN', [name]);
      }
      await session.run('give the control identity its password', 'ALTER ROLE %I PASSWORD %L', [
        name,
        scramVerifier(password),
      ]);
      for (const group of memberOf) await grantMembership(session, group, name);
      return true;
    }),
  );
}
