import { setTimeout as sleep } from 'node:timers/promises';
import type { GrantSecret, ProbeResult } from '../kit/contract.ts';
import { deniedTo, inconclusive, stillAllowed } from '../kit/results.ts';
import { notPermitted } from './cut-role.ts';
import { countBackends, listPrepared } from './evict.ts';
import { listMemberships, otherMembers, readRole } from './role.ts';
import { type Login, type Server, type Session, tryLogin, withSession } from './server.ts';

export interface RoleProbe {
  readonly server: Server;
  readonly signal: AbortSignal;
  readonly role: string;
  readonly secret: GrantSecret | undefined;
  readonly poolers: readonly { readonly host: string; readonly port: number }[];
}

const betweenMs = 150;

/** Whether anything of the role is left that could act. A role that was cut is not: it stays only so that its name stays taken. */
export async function isAlive(session: Session, name: string): Promise<boolean> {
  const role = await readRole(session, name);
  if (role?.mayLogIn === true) return true;
  return (await countBackends({ session, role: name })) > 0 || (await listPrepared({ session, role: name })).length > 0;
}

/** Twice, a moment apart: a session that was opened just before the fence may show up between two looks. */
export async function probeRole(probe: RoleProbe): Promise<ProbeResult> {
  const first = await lookOnce(probe);
  if (first.kind !== 'denied') return first;
  await sleep(betweenMs, undefined, { signal: probe.signal });
  return lookOnce(probe);
}

/** The old credential at every door, then the server's own account of sessions and prepared transactions. */
async function lookOnce(probe: RoleProbe): Promise<ProbeResult> {
  const logins = await presentEverywhere(probe);
  if (logins.some(({ kind }) => kind === 'in')) return stillAllowed('The old credential logs in.');
  return withSession(probe.server, probe.signal, (session) => judge(session, probe, logins));
}

async function presentEverywhere({ server, signal, role, secret, poolers }: RoleProbe): Promise<readonly Login[]> {
  const password = secret?.['password'];
  if (typeof password !== 'string') return [];
  const doors = [{ host: server.host, port: server.port }, ...poolers];
  return Promise.all(doors.map((door) => tryLogin({ ...server, ...door, user: role, password }, signal)));
}

async function judge(session: Session, { role: name }: RoleProbe, logins: readonly Login[]): Promise<ProbeResult> {
  const backends = await countBackends({ session, role: name });
  if (backends > 0)
    return stillAllowed(
      backends === 1 ? 'One session of the role is open.' : `${backends} sessions of the role are open.`,
    );
  const prepared = await listPrepared({ session, role: name });
  if (prepared.length > 0)
    return stillAllowed(`${prepared.length} prepared transactions of the role can still be committed.`);
  const role = await readRole(session, name);
  if (role === undefined) return inconclusive('The server knows no role of that name, and the name is free.');
  if (role.mayLogIn) return inconclusive('The role may log in.');
  if (role.mark?.estop === 'tombstone')
    return deniedTo('issuer-attested', 'The role was never made, and its name is held by one that cannot log in.');
  const also = await remains(session, name);
  const [direct] = logins;
  if (direct?.kind === 'refused' && notPermitted(direct))
    return deniedTo('credential-probed', `The old credential is refused: 28000, not permitted to log in.${also}`);
  const refusedAt = role.mark?.refusedAt;
  if (direct?.kind === 'refused' && direct.sqlstate === '28P01' && refusedAt !== undefined) {
    return deniedTo(
      'credential-probed',
      `The old credential is refused: 28000 at ${refusedAt}, its password is removed since.${also}`,
    );
  }
  return deniedTo('issuer-attested', `The role may not log in, has no session and no prepared transaction.${also}`);
}

/** What a person should know, though it lets nobody in: who can still act as the role, and of what it is still a member. */
async function remains(session: Session, name: string): Promise<string> {
  const members = await otherMembers(session, name);
  const groups = (await listMemberships(session, name)).map(({ granted }) => granted);
  const said = [
    members.length === 0 ? '' : ` Others can act as it under their own name: ${quoted(members)}.`,
    groups.length === 0 ? '' : ` It is still a member of ${quoted(groups)}, given by somebody else.`,
  ];
  return said.join('');
}

function quoted(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(', ');
}
