import { ApiTokenPage, WhoseQuery } from '../../contract/http/people.ts';
import { personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { listApiTokens as list } from '../../store/api-tokens.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isOverAll } from '../permission.ts';
import { showApiToken } from '../show-people.ts';

export const listApiTokens = defineEndpoint({
  method: 'get',
  path: '/v1/api-tokens',
  id: 'listApiTokens',
  summary: 'The API tokens that you made, and when each was last used',
  permission: 'self:manage',
  input: { path: nothing, query: WhoseQuery, body: nothing },
  answers: [{ status: 200, description: 'The newest first; never the token itself', schema: ApiTokenPage }],
  problems: [],
  handle: async ({ query }, { identity }, deps) => {
    const all = query.all === 'true';
    if (all && !isOverAll(identity, 'people:read'))
      throw new EstopError('forbidden', { detail: 'This needs people:read.' });
    const items = (await list(deps.store, all ? undefined : personOf(identity))).map(showApiToken);
    return { status: 200, body: { items, next: null } };
  },
});
