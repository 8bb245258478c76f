import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, LedgerGrant, ProbeResult } from '../kit/contract.ts';
import { guardedHttp } from '../kit/guarded-http.ts';
import { deniedTo, inconclusive, stillAllowed } from '../kit/results.ts';
import { heldToken, isSelfContained, scopeOf } from './held-token.ts';
import type { ClientIdentity, Issuer } from './issuer.ts';
import type { OauthOptions } from './options.ts';

export interface Probe {
  readonly issuer: Issuer;
  readonly options: OauthOptions;
  readonly control: () => ClientIdentity;
  readonly now: () => Date;
  readonly context: CallContext;
}

export type Verdict = 'allowed' | 'denied' | 'inconclusive';

/** How often a dead token must be refused, and how far apart: a cache in between may answer once from memory. */
const denials = 3;
const betweenDenialsMs = 100;

export async function probeToken(probe: Probe, grant: LedgerGrant): Promise<ProbeResult> {
  const token = heldToken(grant);
  if (token === undefined) return probeUnknown(probe, grant);
  const right = await probe.issuer.mintRight(token.client, scopeOf(grant), probe.context);
  if (right === 'yes') return stillAllowed('The old client can still mint tokens.');
  if (right === 'unclear') return inconclusive('It is not clear whether the old client can mint tokens.');
  for (let attempt = 0; attempt < denials; attempt += 1) {
    if (attempt > 0) await sleep(betweenDenialsMs, undefined, { signal: probe.context.signal });
    const verdict = await tryToken(probe, token.accessToken, Date.parse(token.expiresAt));
    if (verdict === 'inconclusive') return inconclusive('The resource gave no answer that means yes or no.');
    if (verdict === 'denied') continue;
    const over = probe.now().getTime() > Date.parse(token.expiresAt);
    if (!isSelfContained(token.accessToken) || over) return stillAllowed('The old token is still accepted.');
    return residual(token.expiresAt, 'A self-contained token is accepted to its end.');
  }
  const evidence = probe.options.resourceUrl === undefined ? 'issuer-attested' : 'credential-probed';
  return deniedTo(evidence, `The old token was refused ${denials} times, and its client can mint no other.`);
}

function probeUnknown({ now }: Probe, grant: LedgerGrant): ProbeResult {
  if (now().getTime() <= Date.parse(grant.absoluteEnd)) {
    return residual(grant.absoluteEnd, 'It is not known whether the issuer made anything; nobody holds it.');
  }
  return deniedTo('issuer-attested', 'No answer was ever received, and the absolute end has passed.');
}

/** Does with the token what the agent does with it; where no resource is configured, only the issuer's word is to be had. */
export async function tryToken(probe: Probe, accessToken: string, expiresAtMs: number): Promise<Verdict> {
  const { issuer, options, control, now, context } = probe;
  if (options.resourceUrl !== undefined) return useToken(options.resourceUrl, options, accessToken, context);
  const state = await issuer.introspect(control(), accessToken, context);
  // Of a self-contained token the issuer says nothing: it is good to its end and no longer.
  if (state === 'unsupported') return now().getTime() > expiresAtMs ? 'denied' : 'allowed';
  return state === 'inactive' ? 'denied' : 'allowed';
}

/** RFC 6750 section 3: a refusal is 401 with a Bearer challenge. Anything else is neither yes nor no. */
async function useToken(
  url: string,
  { network }: OauthOptions,
  accessToken: string,
  { signal }: CallContext,
): Promise<Verdict> {
  const headers = { authorization: `Bearer ${accessToken}` };
  const reply = await guardedHttp({ method: 'GET', url, headers, network, signal });
  if (reply.status === 401 && /\bBearer\b/i.test(reply.headers['www-authenticate'] ?? '')) return 'denied';
  return reply.status >= 200 && reply.status < 300 && reply.contentType !== 'text/html' ? 'allowed' : 'inconclusive';
}

const residual = (until: string, why: string): ProbeResult => ({ kind: 'residual-until', until, why });
