import { z } from 'zod';
import type { CuttingPhase } from '../../contract/phases.ts';
import { EstopError } from '../../core/errors.ts';
import type {
  CallContext,
  Connector,
  ConnectorHost,
  GrantSecret,
  LedgerGrant,
  ProbeResult,
  RevokeResult,
} from '../kit/contract.ts';
import { principalName, sharedName } from '../kit/names.ts';
import { deniedTo, inconclusive, needsHuman, revoked, stillAllowed } from '../kit/results.ts';
import { tidier } from '../kit/tidier.ts';
import { totalConnector } from '../kit/total-connector.ts';
import { controlOf, controlRole } from '../postgres/control-role.ts';
import { dropPassword, fenceRole, purgeRole, type RoleCut, sweepRole, terminateRole } from '../postgres/cut-role.ts';
import { dropFinished } from '../postgres/drop-finished.ts';
import { pastLocks } from '../postgres/evict.ts';
import { issueRole } from '../postgres/issue-role.ts';
import { serverOf } from '../postgres/options.ts';
import { isAlive, probeRole } from '../postgres/probe-role.ts';
import { roleOf, type SeenRoles, seenRoles } from '../postgres/role-handle.ts';
import { checkServer } from '../postgres/self-check.ts';
import { type Session, withSession } from '../postgres/server.ts';
import { type PgBossOptions, pgBossGrant } from './options.ts';
import { checkPgBoss, dropQueue, openQueue, purgeQueue, type Queue, type QueueState, readQueue } from './queue.ts';

const handle = z.object({
  queue: z.string(),
  shared: z.boolean(),
  schedule: z.string().nullable(),
  retryLimit: z.number(),
  connectionLimit: z.number(),
});

/**
 * A role of its own for each grant, that can touch the table of one queue and no other. Cutting off: the role as in PostgreSQL; then
 * the queue is emptied of what waits, is delayed, repeats or is being worked on, and closed. Not protected: what a worker of somebody
 * else's has already taken out of the queue; it is cancelled and reported as possibly completed.
 */
export function createPgBossConnector(options: PgBossOptions, host: ConnectorHost): Connector {
  const seen = seenRoles();
  const tidy = tidier(() => host.now());
  const server = () => serverOf(options, host);
  const control = (context: CallContext) => controlOf(host, server(), context, options);
  return totalConnector({
    plan: (request) => {
      const grant = pgBossGrant.parse(request.options);
      const role = principalName(request);
      const queue = grant.shared ? sharedName(request.environment, `${host.connectorId}/${request.agentId}`) : role;
      const schedule = grant.schedule === undefined ? null : JSON.stringify(grant.schedule);
      const { retryLimit, connectionLimit, shared } = grant;
      return {
        target: queue,
        shared,
        handle: { role, queue, shared, schedule, retryLimit, connectionLimit, memberOf: '[]', schemas: '[]' },
      };
    },
    issue: async (grant, { signal }) => {
      const secret = await issue(grant, options, host, signal);
      seen.add(roleOf(grant));
      // A role's own queue bears its name; the shared one of an agent stays.
      const also = (session: Session, role: string) =>
        dropQueue(session, { schema: options.schema, name: role, shared: false });
      const finished = { environment: host.environment, connectorId: host.connectorId, now: host.now(), also };
      tidy.start((patience) => withSession(server(), patience, (session) => dropFinished(session, finished)));
      return secret;
    },
    cut: (phase, grant, { signal }) => cutPhase(phase, grant, { options, host, seen, signal }),
    probe: (grant, { signal }) => probe(grant, options, host, signal),
    control: (_grant, context) => controlRole(control(context)),
    lists: (grant, { signal }) =>
      withSession(server(), signal, async (session) => {
        if (await isAlive(session, roleOf(grant))) return 'present';
        const queue = queueOf(grant, options);
        const state = await readQueue(session, queue);
        return state === undefined || queue.shared || (state.closed && !holdsWork(state)) ? 'absent' : 'present';
      }),
    selfCheck: (context) => checkServer(control(context), (session) => checkPgBoss(session, options.schema)),
    close: () => tidy.stop(),
  });
}

/** Role, queue and schedule in one transaction: half of them is nothing. */
async function issue(
  grant: LedgerGrant,
  options: PgBossOptions,
  host: ConnectorHost,
  signal: AbortSignal,
): Promise<GrantSecret> {
  const queue = queueOf(grant, options);
  const { schedule, retryLimit } = handle.parse(grant.handle);
  const secret = await issueRole({
    server: serverOf(options, host),
    signal,
    grant,
    connectorId: host.connectorId,
    also: async (session, role) => {
      const repeating = schedule === null ? undefined : pgBossGrant.shape.schedule.parse(JSON.parse(schedule));
      await openQueue(session, queue, role, { retryLimit, schedule: repeating });
    },
  });
  return { ...secret, schema: queue.schema, queue: queue.name };
}

interface Cutting {
  readonly options: PgBossOptions;
  readonly host: ConnectorHost;
  readonly seen: SeenRoles;
  readonly signal: AbortSignal;
}

function cutPhase(
  phase: CuttingPhase,
  grant: LedgerGrant,
  { options, host, seen, signal }: Cutting,
): Promise<RevokeResult> {
  const server = serverOf(options, host);
  const role = roleOf(grant);
  return withSession(server, signal, async (session) => {
    const cut: RoleCut = { session, server, signal, role, grant, connectorId: host.connectorId, sawIt: seen.has(role) };
    const result = await act(phase, cut, queueOf(grant, options));
    if (result.kind === 'revoked') seen.add(role);
    return result;
  });
}

async function act(phase: CuttingPhase, cut: RoleCut, queue: Queue): Promise<RevokeResult> {
  switch (phase) {
    case 'fence':
      return fenceRole(cut);
    case 'terminate':
      return terminateRole(cut);
    case 'revoke-credential':
      return dropPassword(cut);
    case 'purge-queue':
      return together(await purgeRole(cut), await empty(cut, queue));
    case 'sweep':
      return together(await sweepRole(cut), await empty(cut, queue));
    case 'disable-integration':
    case 'update-policy-point':
      return needsHuman(`pg-boss has no phase ${phase}; the lane that asked for it is misconfigured.`);
    default:
      throw new EstopError('internal', { detail: `unknown phase ${String(phase satisfies never)}` });
  }
}

async function empty(cut: RoleCut, queue: Queue): Promise<boolean> {
  return (await pastLocks(cut, () => purgeQueue(cut.session, queue))) && !queue.shared;
}

/** A queue of its own that was there to be emptied was surely issued, whatever became of its role. A shared one says nothing. */
function together(role: RevokeResult, emptied: boolean): RevokeResult {
  return role.kind === 'not-found-unconfirmed' && emptied ? revoked : role;
}

async function probe(
  grant: LedgerGrant,
  options: PgBossOptions,
  host: ConnectorHost,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const server = serverOf(options, host);
  const verdict = await probeRole({
    server,
    signal,
    role: roleOf(grant),
    secret: grant.secret,
    poolers: options.poolers,
  });
  if (verdict.kind !== 'denied') return verdict;
  const queue = queueOf(grant, options);
  const state = await withSession(server, signal, (session) => readQueue(session, queue));
  if (state === undefined) return verdict;
  const { waiting, active, schedules, possiblyCompleted, closed } = state;
  if (holdsWork(state))
    return stillAllowed(
      `Its queue still holds ${waiting} waiting and ${active} active jobs and ${schedules} schedules.`,
    );
  if (!closed && !queue.shared) return inconclusive('Its queue is empty, but still takes jobs.');
  const said =
    possiblyCompleted === 0
      ? ''
      : ` ${possiblyCompleted} jobs were being worked on when they were cancelled: possibly completed.`;
  return deniedTo(verdict.evidence, `${verdict.why} Its queue is empty${queue.shared ? '' : ' and closed'}.${said}`);
}

const holdsWork = ({ waiting, active, schedules }: QueueState): boolean => waiting + active + schedules > 0;

function queueOf(grant: LedgerGrant, options: PgBossOptions): Queue {
  const { queue, shared } = handle.parse(grant.handle);
  return { schema: options.schema, name: queue, shared };
}
