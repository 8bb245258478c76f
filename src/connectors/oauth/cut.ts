import { z } from 'zod';
import type { CuttingPhase } from '../../contract/phases.ts';
import type { CallContext, LedgerGrant, RevokeResult } from '../kit/contract.ts';
import { type HttpReply, jsonOf } from '../kit/guarded-http.ts';
import { alreadyGone, needsHuman, notFound, retryable, revoked, unexpectedReply } from '../kit/results.ts';
import { clientNameOf, type HeldToken, heldToken } from './held-token.ts';
import type { ClientIdentity, Issuer } from './issuer.ts';
import { oauthErrorOf } from './replies.ts';

export interface Cut {
  readonly issuer: Issuer;
  readonly control: () => ClientIdentity;
  readonly grant: LedgerGrant;
  readonly context: CallContext;
}

/** In this order: a deleted client can no longer revoke its tokens, and they live on (tested against oidc-provider). */
export async function cutOff(phase: CuttingPhase, cut: Cut): Promise<RevokeResult> {
  const token = heldToken(cut.grant);
  // Without the reply nobody knows the client's id or secret, we and the agent included: only its end can be waited for.
  if (token === undefined) {
    return notFound('The issuer gave no answer when this was asked for, so nobody holds anything that can be named.');
  }
  if (phase === 'fence') return strip(cut, token);
  if (phase === 'revoke-credential') return revoke(cut, token);
  return remove(cut, token);
}

const stripped = z.object({ client_id: z.string(), grant_types: z.array(z.string()) });

async function strip({ issuer, grant, context }: Cut, token: HeldToken): Promise<RevokeResult> {
  const reply = await issuer.strip(token.client, clientNameOf(grant), context);
  if (reply.status === 200) return judgeStrip(reply, token);
  if (reply.status === 401) {
    // Gone, or stripped before by an issuer that gives out a new registration token at each update.
    const right = await issuer.mintRight(token.client, undefined, context);
    if (right === 'no-client' || right === 'not-allowed') return alreadyGone;
  }
  return unexpectedReply(reply, 'Taking the grant types of a client');
}

/** RFC 7592 lets a server replace what it is told, so only its own account of the client counts. */
function judgeStrip(reply: HttpReply, token: HeldToken): RevokeResult {
  const client = stripped.safeParse(jsonOf(reply));
  if (!client.success || client.data.client_id !== token.client.clientId) {
    return retryable('Taking the grant types of a client: an answer that is not about this client.');
  }
  if (client.data.grant_types.length === 0) return revoked;
  return needsHuman('The issuer lets no client go without grant types: it may mint until it is deleted.');
}

async function revoke({ issuer, control, context }: Cut, token: HeldToken): Promise<RevokeResult> {
  const reply = await issuer.revoke(token.client, token.accessToken, context);
  // RFC 7009 gives the body no meaning, but a page for people is no answer of an issuer.
  if (reply.status === 200 && reply.contentType !== 'text/html') return revoked;
  const error = oauthErrorOf(reply);
  if (reply.status === 400 && error === 'unsupported_token_type') {
    return residual(token, 'The token is self-contained: resources accept it to its end without asking the issuer.');
  }
  if (reply.status === 401 && error === 'invalid_client') {
    // Its client was deleted first. The issuer still keeps the token, or not: another identity can ask.
    const state = await issuer.introspect(control(), token.accessToken, context);
    return state === 'inactive'
      ? alreadyGone
      : residual(token, 'The client is gone, so its token cannot be revoked any more.');
  }
  return unexpectedReply(reply, 'Revoking a token');
}

async function remove({ issuer, context }: Cut, token: HeldToken): Promise<RevokeResult> {
  const reply = await issuer.remove(token.client, context);
  if (reply.status === 204) return revoked;
  // A second delete is answered 401, as is a wrong registration token: only the token endpoint can tell them apart.
  if (reply.status === 401 && (await issuer.mintRight(token.client, undefined, context)) === 'no-client')
    return alreadyGone;
  return unexpectedReply(reply, 'Deleting a client');
}

const residual = (token: HeldToken, why: string): RevokeResult => ({
  kind: 'residual-until',
  until: token.expiresAt,
  why,
});
