import { z } from 'zod';
import { keptField } from '../../contract/grant-secret.ts';
import { EstopError } from '../../core/errors.ts';
import type { CallContext, Connector, ConnectorHost, GrantSecret, LedgerGrant, ProbeResult, RevokeResult } from '../kit/contract.ts';
import { guardedHttp } from '../kit/guarded-http.ts';
import { principalName } from '../kit/names.ts';
import { alreadyGone, deniedTo, inconclusive, notFound, revoked, stillAllowed, unexpectedReply } from '../kit/results.ts';
import { totalConnector } from '../kit/total-connector.ts';
import { createIssuer, type Issuer, oauthErrorOf, parseToken, type RegisteredClient } from './issuer.ts';
import { type OauthOptions, oauthGrant } from './options.ts';

const held = z.object({
  accessToken: z.string(),
  expiresAt: z.iso.datetime(),
  [keptField('clientId')]: z.string(),
  [keptField('clientSecret')]: z.string(),
  [keptField('registrationUri')]: z.string(),
  [keptField('registrationToken')]: z.string(),
});

interface HeldToken {
  readonly accessToken: string;
  readonly expiresAt: string;
  readonly client: RegisteredClient;
}

/** How often a dead token must be refused, and how far apart: a cache in between may answer once from memory. */
const denials = 3;
const betweenDenialsMs = 100;

/**
 * One client for each grant (RFC 7591), whose secret we keep: the agent gets an access token and no right to mint. Cutting off, in
 * this order, because a deleted client can no longer revoke its tokens and they live on (tested against oidc-provider):
 * take the client's grant types, revoke its token, delete the client. A JWT that resources verify by themselves stays good to its
 * end: that is reported as residual, never as done.
 */
export function createOauthConnector(options: OauthOptions, host: ConnectorHost): Connector {
  const issuer = createIssuer(options, () => host.readSecret(options.initialAccessToken));
  return totalConnector({
    plan: (request) => ({
      target: new URL(options.issuer).host,
      handle: { clientName: principalName(request), scope: oauthGrant.parse(request.options).scope ?? null },
    }),
    issue: (grant, context) => issue(issuer, options, grant, context),
    cut: async (phase, grant, context) => {
      const token = heldToken(grant);
      // Without the reply nobody knows the client's id or secret, we and the agent included: only its end can be waited for.
      if (token === undefined) return notFound('The issuer gave no answer when this was asked for, so nobody holds anything that can be named.');
      if (phase === 'fence') return strip(issuer, token, grant, context);
      if (phase === 'revoke-credential') return revoke(issuer, token, context);
      return remove(issuer, token, context);
    },
    probe: (grant, context) => probe(issuer, options, host, grant, context),
    control: async (grant, context) => {
      const { accessToken } = parseToken(await issuer.mint(controlClient(options, host), scopeOf(grant), context));
      const allowed = options.resourceUrl === undefined ? await issuer.introspect(controlClient(options, host), accessToken, context) : (await useToken(options, accessToken, context)) === 'allowed';
      return allowed ? { kind: 'allowed' } : { kind: 'not-allowed', why: 'The control identity minted a token that is refused as well.' };
    },
    // There is no standard way to list clients or tokens, so before its absolute end nothing can be said to be absent.
    lists: async (grant) => (host.now().getTime() > Date.parse(grant.absoluteEnd) ? 'absent' : 'present'),
    selfCheck: async (context) => {
      const findings: string[] = [];
      const minted = await issuer.mint(controlClient(options, host), undefined, context);
      if (minted.status !== 200) findings.push(`The control client cannot mint a token (${minted.status}).`);
      try {
        const client = await issuer.register(`${principalName({ environment: host.environment, epoch: 0, grantId: `self-check/${host.connectorId}` })}`, undefined, context);
        await issuer.remove(client, context);
      } catch {
        findings.push('Registering a client fails: is the initial access token still good?');
      }
      if (options.resourceUrl === undefined) findings.push('No resourceUrl: probes are issuer-attested only.');
      return { ok: findings.every((finding) => finding.startsWith('No resourceUrl')), findings };
    },
    close: async () => undefined,
  });
}

async function issue(issuer: Issuer, options: OauthOptions, grant: LedgerGrant, context: CallContext): Promise<GrantSecret> {
  const client = await issuer.register(clientName(grant), scopeOf(grant), context);
  try {
    const { accessToken, expiresInMs } = parseToken(await issuer.mint(client, scopeOf(grant), context));
    const expiresAt = new Date(Date.now() + expiresInMs);
    if (expiresAt.getTime() > Date.parse(grant.absoluteEnd) + 1_000) {
      await issuer.revoke(client, accessToken, context);
      throw new EstopError('connector-garbage', { detail: 'The issuer makes tokens that outlive the grant: give the grant a longer life or the issuer a shorter one.' });
    }
    return {
      accessToken,
      expiresAt: expiresAt.toISOString(),
      resourceUrl: options.resourceUrl ?? null,
      [keptField('clientId')]: client.clientId,
      [keptField('clientSecret')]: client.clientSecret,
      [keptField('registrationUri')]: client.registrationUri,
      [keptField('registrationToken')]: client.registrationToken,
    };
  } catch (thrown) {
    await issuer.remove(client, context).catch(() => undefined); // nobody holds it; the first failure is the one to report
    throw thrown;
  }
}

async function strip(issuer: Issuer, token: HeldToken, grant: LedgerGrant, context: CallContext): Promise<RevokeResult> {
  const reply = await issuer.strip(token.client, clientName(grant), context);
  if (reply.status === 200) return revoked;
  if (reply.status === 401 && (await isClientGone(issuer, token, context))) return alreadyGone;
  return unexpectedReply(reply, 'Taking the grant types of a client');
}

async function revoke(issuer: Issuer, token: HeldToken, context: CallContext): Promise<RevokeResult> {
  const reply = await issuer.revoke(token.client, token.accessToken, context);
  if (reply.status === 200) return revoked;
  const error = oauthErrorOf(reply);
  if (reply.status === 400 && error === 'unsupported_token_type') return residual(token, 'The token is self-contained: resources accept it to its end without asking the issuer.');
  // F1: its client was deleted first. Whether the token still lives is for the probe to say.
  if (reply.status === 401 && error === 'invalid_client') return residual(token, 'The client is gone, so its token cannot be revoked any more.');
  return unexpectedReply(reply, 'Revoking a token');
}

async function remove(issuer: Issuer, token: HeldToken, context: CallContext): Promise<RevokeResult> {
  const reply = await issuer.remove(token.client, context);
  if (reply.status === 204) return revoked;
  // A second delete is answered 401, as is a wrong token: only the token endpoint can tell them apart.
  if (reply.status === 401 && (await isClientGone(issuer, token, context))) return alreadyGone;
  return unexpectedReply(reply, 'Deleting a client');
}

async function isClientGone(issuer: Issuer, token: HeldToken, context: CallContext): Promise<boolean> {
  return oauthErrorOf(await issuer.mint(token.client, undefined, context)) === 'invalid_client';
}

async function probe(issuer: Issuer, options: OauthOptions, host: ConnectorHost, grant: LedgerGrant, context: CallContext): Promise<ProbeResult> {
  const token = heldToken(grant);
  if (token === undefined) {
    const over = host.now().getTime() > Date.parse(grant.absoluteEnd);
    return over ? deniedTo('issuer-attested', 'No answer was ever received, and the absolute end has passed.') : residualProbe(grant.absoluteEnd, 'It is not known whether the issuer made anything; nobody holds it.');
  }
  const minted = await issuer.mint(token.client, scopeOf(grant), context);
  if (minted.status === 200) return stillAllowed('The old client can still mint tokens.');
  if (!['invalid_client', 'unauthorized_client', 'invalid_request'].includes(oauthErrorOf(minted) ?? '')) return inconclusive(`Minting with the old client was answered ${minted.status}.`);
  for (let attempt = 0; attempt < denials; attempt += 1) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, betweenDenialsMs));
    const verdict = options.resourceUrl === undefined ? await attested(issuer, options, host, token, context) : await useToken(options, token.accessToken, context);
    if (verdict === 'inconclusive') return inconclusive('The resource gave no answer that means yes or no.');
    if (verdict === 'allowed') {
      const over = host.now().getTime() > Date.parse(token.expiresAt);
      return isSelfContained(token.accessToken) && !over ? residualProbe(token.expiresAt, 'A self-contained token is accepted to its end.') : stillAllowed('The old token is still accepted.');
    }
  }
  return deniedTo(options.resourceUrl === undefined ? 'issuer-attested' : 'credential-probed', `The old token was refused ${denials} times, and its client can mint no other.`);
}

async function attested(issuer: Issuer, options: OauthOptions, host: ConnectorHost, token: HeldToken, context: CallContext): Promise<'allowed' | 'denied'> {
  return (await issuer.introspect(controlClient(options, host), token.accessToken, context)) ? 'allowed' : 'denied';
}

/** RFC 6750 section 3: a refusal is 401 with a Bearer challenge. Anything else is neither yes nor no. */
async function useToken(options: OauthOptions, accessToken: string, { signal }: CallContext): Promise<'allowed' | 'denied' | 'inconclusive'> {
  if (options.resourceUrl === undefined) return 'inconclusive';
  const reply = await guardedHttp({ method: 'GET', url: options.resourceUrl, headers: { authorization: `Bearer ${accessToken}` }, network: options.network, signal });
  if (reply.status === 401 && /\bBearer\b/i.test(reply.headers['www-authenticate'] ?? '')) return 'denied';
  return reply.status >= 200 && reply.status < 300 && reply.contentType !== 'text/html' ? 'allowed' : 'inconclusive';
}

function heldToken(grant: LedgerGrant): HeldToken | undefined {
  const parsed = held.safeParse(grant.secret);
  if (!parsed.success) return undefined;
  const fields = parsed.data as Readonly<Record<string, string>>; // every field of the schema is a string
  const kept = (name: string): string => fields[keptField(name)] ?? '';
  return {
    accessToken: fields['accessToken'] ?? '',
    expiresAt: fields['expiresAt'] ?? '',
    client: { clientId: kept('clientId'), clientSecret: kept('clientSecret'), registrationUri: kept('registrationUri'), registrationToken: kept('registrationToken') },
  };
}

function controlClient({ control }: OauthOptions, host: ConnectorHost) {
  return { clientId: control.clientId, clientSecret: host.readSecret(control.clientSecret) };
}

const clientName = (grant: LedgerGrant): string => String(grant.handle['clientName']);
const scopeOf = (grant: LedgerGrant): string | undefined => (typeof grant.handle['scope'] === 'string' ? grant.handle['scope'] : undefined);
const isSelfContained = (token: string): boolean => token.split('.').length === 3;
const residual = (token: HeldToken, why: string): RevokeResult => ({ kind: 'residual-until', until: token.expiresAt, why });
const residualProbe = (until: string, why: string): ProbeResult => ({ kind: 'residual-until', until, why });
