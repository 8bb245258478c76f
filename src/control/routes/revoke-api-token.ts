import { ApiTokenPath, ApiTokenResult } from '../../contract/http/people.ts';
import { personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { revokeApiToken as revoke } from '../../store/api-tokens.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isOverAll } from '../permission.ts';

export const revokeApiToken = defineEndpoint({
  method: 'post',
  path: '/v1/api-tokens/{id}:revoke',
  id: 'revokeApiToken',
  summary: 'Revoke one of your API tokens; an admin, anybody’s',
  permission: 'self:manage',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: ApiTokenPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'Bites within 5 s, at the stop process too', schema: ApiTokenResult }],
  problems: ['not-found'],
  handle: async ({ path }, { identity }, deps) => {
    const by = {
      actor: identity.actor,
      ...(isOverAll(identity, 'people:manage') ? {} : { person: personOf(identity) }),
    };
    const outcome = await revoke(deps.store, path.id, by);
    if (outcome === 'unknown') throw new EstopError('not-found');
    return { status: 200, body: { tokenId: path.id, outcome } };
  },
});
