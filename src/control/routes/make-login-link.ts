import { LoginLink, MakeLoginLink } from '../../contract/http/sign-in.ts';
import { personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { makeLoginLink as make } from '../../store/login-links.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { ownPath } from '../sign-in/own-path.ts';
import { mintSecret, secretHash } from '../sign-in/sign-in-cookie.ts';

const linkLifeMs = 5 * 60_000;

/** Only for an installation on one machine: whoever reaches it over a network signs in with the identity provider. */
export const makeLoginLink = defineEndpoint({
  method: 'post',
  path: '/v1/login-links',
  id: 'makeLoginLink',
  summary: 'A link that signs one browser in, once, as the holder of this token; on this machine only',
  permission: 'sign-in:link',
  underElevation: 'refused',
  // The link is a secret, which is not kept to be answered again.
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: MakeLoginLink },
  answers: [{ status: 201, description: 'Shown once', schema: LoginLink }],
  problems: ['forbidden'],
  handle: async ({ body }, request, deps) => {
    const token = /^Bearer (.+)$/.exec(request.header('authorization') ?? '')?.[1];
    if (!deps.loginLinks || token === undefined)
      throw new EstopError('forbidden', {
        detail: 'Links are made with a token, by an estop that listens on this machine alone.',
      });
    const code = mintSecret();
    const { identity } = request;
    const expiresAt = await make(deps.store, {
      codeHash: secretHash(code),
      name: identity.actor,
      person: personOf(identity),
      mandates: identity.roles.map((role) => ({ role })),
      basis: secretHash(token),
      lifeMs: linkLifeMs,
    });
    const url = new URL(`/sign-in/link/${code}`, deps.controlUrl);
    if (body.next !== undefined) url.searchParams.set('next', ownPath(body.next));
    return { status: 201, body: { url: url.href, expiresAt } };
  },
});
