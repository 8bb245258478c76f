import { MadeApiToken, MakeApiToken } from '../../contract/http/people.ts';
import { personOf, type Role } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { includesRole, type Labels, reaches } from '../../core/mandate.ts';
import { makeApiToken as make } from '../../store/api-tokens.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isOverAll } from '../permission.ts';
import type { Caller } from '../sign-in/callers.ts';
import { mintSecret, secretHash } from '../sign-in/sign-in-cookie.ts';

const dayMs = 24 * 3_600_000;

/** Never more than its maker has, and not by a token: one that could make others would never end. */
export const makeApiToken = defineEndpoint({
  method: 'post',
  path: '/v1/api-tokens',
  id: 'makeApiToken',
  summary: 'A token for a program of yours, with an end and no more rights than you have',
  permission: 'self:manage',
  // It is a secret, which is not kept to be answered again.
  repeats: 'repeatable',
  underElevation: 'refused',
  input: { path: nothing, query: nothing, body: MakeApiToken },
  answers: [{ status: 201, description: 'Shown once', schema: MadeApiToken }],
  problems: ['forbidden', 'conflict'],
  handle: async ({ body }, request, deps) => {
    const { identity } = request;
    if (identity.tokenId !== undefined)
      throw new EstopError('forbidden', { detail: 'Tokens are made by people, not by API tokens.' });
    const isAdmin = isOverAll(identity, 'people:manage');
    if (body.forService && !isAdmin)
      throw new EstopError('forbidden', { detail: 'Only an admin makes tokens of services.' });
    for (const role of body.roles)
      if (!(body.forService && isAdmin) && !has(identity, role, body.labels))
        throw new EstopError('forbidden', { detail: `You are not ${role} over that much yourself.` });
    const token = `estop_${deps.environment}_${mintSecret()}`;
    // Under the same key the same one: a reply that was lost leaves no second token behind.
    const tokenId = formatId('api', deps.environment, request.seed(0));
    const basis = identity.basis ?? basisOf(request.header('authorization'), identity);
    const expiresAt = await make(deps.store, {
      tokenId,
      tokenHash: secretHash(token),
      name: body.forService ? body.name : `${identity.actor}/${body.name}`,
      // Whoever made it held it for a moment: wherever two people are needed, it is not a second one, whatever it may do.
      person: personOf(identity),
      mandates: body.roles.map((role) => ({ role, ...(body.labels === undefined ? {} : { labels: body.labels }) })),
      actor: identity.actor,
      lifeMs: body.days * dayMs,
      ...(body.forService || identity.personId === undefined ? {} : { owner: identity.personId }),
      ...(body.forService || basis === undefined ? {} : { basis }),
    });
    return { status: 201, body: { token, tokenId, expiresAt } };
  },
});

function has(identity: Caller, role: Role, labels: Labels | undefined): boolean {
  if (identity.roles.some((held) => includesRole(held, role))) return true;
  return (identity.mandates ?? []).some(
    (mandate) => includesRole(mandate.role, role) && reaches(mandate, labels ?? {}),
  );
}

/** Whoever comes with a token of the file makes tokens that end with that one. */
function basisOf(authorization: string | undefined, { personId }: Caller): Uint8Array | undefined {
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  return token === undefined || personId !== undefined ? undefined : secretHash(token);
}
