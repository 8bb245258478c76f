import { EstopError } from '../../core/errors.ts';
import type { CallContext, Connector, ConnectorHost, GrantSecret, LedgerGrant, Listed } from '../kit/contract.ts';
import { principalName } from '../kit/names.ts';
import { totalConnector } from '../kit/total-connector.ts';
import { cutOff } from './cut.ts';
import { clientNameOf, heldToken, ownEndOf, scopeOf, secretOf } from './held-token.ts';
import { type ClientIdentity, createIssuer } from './issuer.ts';
import { type OauthOptions, oauthGrant } from './options.ts';
import { type Probe, probeToken, tryToken } from './probe.ts';
import { tokenIn } from './replies.ts';
import { rehearse } from './self-check.ts';

/**
 * One client for each grant (RFC 7591), whose secret we keep: the agent gets an access token and no right to mint, and nothing that
 * belongs to a Grant of another. A JWT that resources verify by themselves stays good to its end: that is reported as residual, never
 * as done.
 */
export function createOauthConnector(options: OauthOptions, host: ConnectorHost): Connector {
  const issuer = createIssuer(options, () => host.readSecret(options.initialAccessToken));
  const control = (): ClientIdentity => ({
    clientId: options.control.clientId,
    clientSecret: host.readSecret(options.control.clientSecret),
  });
  const probing = (context: CallContext): Probe => ({ issuer, options, control, now: () => host.now(), context });
  return totalConnector({
    plan: (request) => ({
      target: new URL(options.issuer).host,
      handle: { clientName: principalName(request), scope: oauthGrant.parse(request.options).scope ?? null },
    }),
    issue: (grant, context) => issue(probing(context), grant),
    cut: (phase, grant, context) => cutOff(phase, { issuer, control, grant, context }),
    probe: (grant, context) => probeToken(probing(context), grant),
    control: async (grant, context) => {
      const { accessToken, expiresInMs } = tokenIn(await issuer.mint(control(), scopeOf(grant), context));
      const verdict = await tryToken(probing(context), accessToken, host.now().getTime() + expiresInMs);
      if (verdict === 'allowed') return { kind: 'allowed' };
      return { kind: 'not-allowed', why: 'The control identity minted a token that is not accepted either.' };
    },
    lists: (grant, context) => lists(probing(context), grant),
    selfCheck: (context) => {
      const name = principalName({
        environment: host.environment,
        epoch: 0,
        grantId: `self-check/${host.connectorId}`,
      });
      return rehearse({ issuer, options, control, name, context });
    },
    close: async () => undefined,
  });
}

async function issue({ issuer, options, now, context }: Probe, grant: LedgerGrant): Promise<GrantSecret> {
  const client = await issuer.register(clientNameOf(grant), scopeOf(grant), context);
  try {
    const { accessToken, expiresInMs } = tokenIn(await issuer.mint(client, scopeOf(grant), context));
    const expiresAt = new Date(Math.max(now().getTime() + expiresInMs, ownEndOf(accessToken)));
    if (expiresAt.getTime() > Date.parse(grant.absoluteEnd) + 1_000) {
      await issuer.revoke(client, accessToken, context);
      throw new EstopError('config-invalid', {
        detail:
          'The issuer makes tokens that outlive the grant: give the grant a longer life or the issuer a shorter one.',
      });
    }
    return secretOf({ accessToken, expiresAt: expiresAt.toISOString(), client }, options.resourceUrl);
  } catch (thrown) {
    // Nobody holds its secret, so if it stays behind it is litter and no danger; the first failure is the one to report.
    await issuer.remove(client, context).catch(() => undefined);
    throw thrown;
  }
}

/** There is no standard way to look for clients by name, so of what was never answered nothing is known before its absolute end. */
async function lists({ issuer, control, now, context }: Probe, grant: LedgerGrant): Promise<Listed> {
  const token = heldToken(grant);
  if (token === undefined) return now().getTime() > Date.parse(grant.absoluteEnd) ? 'absent' : 'unknown';
  const client = await issuer.read(token.client, context);
  if (client.status === 200) return 'present';
  if (client.status !== 401)
    throw new EstopError('connector-garbage', { detail: `Reading a client: answered ${client.status}.` });
  return (await issuer.introspect(control(), token.accessToken, context)) === 'inactive' ? 'absent' : 'present';
}
