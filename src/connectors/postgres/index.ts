import type { CuttingPhase } from '../../contract/phases.ts';
import { EstopError } from '../../core/errors.ts';
import type {
  CallContext,
  Connector,
  ConnectorHost,
  ConnectorSystem,
  GrantSecret,
  LedgerGrant,
  RevokeResult,
} from '../kit/contract.ts';
import { principalName } from '../kit/names.ts';
import { needsHuman } from '../kit/results.ts';
import { tidier } from '../kit/tidier.ts';
import { totalConnector } from '../kit/total-connector.ts';
import { controlOf, controlRole } from './control-role.ts';
import { dropPassword, fenceRole, purgeRole, type RoleCut, sweepRole, terminateRole } from './cut-role.ts';
import { dropFinished } from './drop-finished.ts';
import { issueRole } from './issue-role.ts';
import { type PostgresOptions, postgresGrant, postgresOptions, serverOf } from './options.ts';
import { isAlive, probeRole } from './probe-role.ts';
import { roleOf, type SeenRoles, seenRoles } from './role-handle.ts';
import { checkServer } from './self-check.ts';
import { withSession } from './server.ts';

/** A role of its own for each grant: logs in with a password, ends at the grant's absolute end, is never dropped as a cut. */
export const postgres: ConnectorSystem<PostgresOptions> = {
  system: 'postgres',
  optionsSchema: postgresOptions,
  grantSchema: postgresGrant,
  drill: {},
  phases: ['fence', 'terminate', 'revoke-credential', 'purge-queue', 'sweep'],
  concurrency: 8,
  settleMs: 500,
  attemptMs: 15_000,
  generations: 'own',
  create: (options, host) => totalConnector(connectorOf(options, host)),
};

function connectorOf(options: PostgresOptions, host: ConnectorHost): Connector {
  const seen = seenRoles();
  const tidy = tidier(() => host.now());
  const control = (context: CallContext) => controlOf(host, serverOf(options, host), context, options);
  return {
    plan: (request) => {
      const role = principalName(request);
      const grant = postgresGrant.parse(request.options);
      return {
        target: role,
        handle: {
          role,
          memberOf: JSON.stringify(grant.memberOf),
          schemas: JSON.stringify(grant.schemas),
          connectionLimit: grant.connectionLimit,
        },
      };
    },
    issue: async (grant, { signal }): Promise<GrantSecret> => {
      const secret = await issueRole({ server: serverOf(options, host), signal, grant, connectorId: host.connectorId });
      seen.add(roleOf(grant));
      const finished = { environment: host.environment, connectorId: host.connectorId, now: host.now() };
      tidy.start((patience) =>
        withSession(serverOf(options, host), patience, (session) => dropFinished(session, finished)),
      );
      return secret;
    },
    cut: (phase, grant, { signal }) => cutPhase(phase, grant, { options, host, seen, signal }),
    probe: (grant, { signal }) =>
      probeRole({
        server: serverOf(options, host),
        signal,
        role: roleOf(grant),
        secret: grant.secret,
        poolers: options.poolers,
      }),
    control: (_grant, context) => controlRole(control(context)),
    lists: (grant, { signal }) =>
      withSession(serverOf(options, host), signal, async (session) =>
        (await isAlive(session, roleOf(grant))) ? 'present' : 'absent',
      ),
    selfCheck: (context) => checkServer(control(context)),
    close: () => tidy.stop(),
  };
}

interface Cutting {
  readonly options: PostgresOptions;
  readonly host: ConnectorHost;
  readonly seen: SeenRoles;
  readonly signal: AbortSignal;
}

function cutPhase(
  phase: CuttingPhase,
  grant: LedgerGrant,
  { options, host, seen, signal }: Cutting,
): Promise<RevokeResult> {
  const role = roleOf(grant);
  const server = serverOf(options, host);
  return withSession(server, signal, async (session) => {
    const cut: RoleCut = { session, server, signal, role, grant, connectorId: host.connectorId, sawIt: seen.has(role) };
    const result = await actOf(phase)(cut);
    if (result.kind === 'revoked') seen.add(role);
    return result;
  });
}

function actOf(phase: CuttingPhase): (cut: RoleCut) => Promise<RevokeResult> {
  switch (phase) {
    case 'fence':
      return fenceRole;
    case 'terminate':
      return terminateRole;
    case 'revoke-credential':
      return dropPassword;
    case 'purge-queue':
      return purgeRole;
    case 'sweep':
      return sweepRole;
    case 'disable-integration':
    case 'update-policy-point':
      return async () => needsHuman(`PostgreSQL has no phase ${phase}; the lane that asked for it is misconfigured.`);
    default:
      throw new EstopError('internal', { detail: `unknown phase ${String(phase satisfies never)}` });
  }
}
