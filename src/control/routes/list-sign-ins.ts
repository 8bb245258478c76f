import { SignInPage, WhoseQuery } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { listSignIns as list } from '../../store/sign-ins.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isOverAll } from '../permission.ts';
import { showSignIn } from '../show-people.ts';

export const listSignIns = defineEndpoint({
  method: 'get',
  path: '/v1/sign-ins',
  id: 'listSignIns',
  summary: 'Where you are signed in',
  permission: 'self:manage',
  input: { path: nothing, query: WhoseQuery, body: nothing },
  answers: [{ status: 200, description: 'The last used first', schema: SignInPage }],
  problems: [],
  handle: async ({ query }, { identity }, deps) => {
    const all = query.all === 'true';
    if (all && !isOverAll(identity, 'people:read'))
      throw new EstopError('forbidden', { detail: 'This needs people:read.' });
    // Who holds a token of the file is signed in nowhere.
    const mine = all ? undefined : (identity.personId ?? '');
    const items = (await list(deps.store, mine)).map((one) => showSignIn(one, identity.signInId));
    return { status: 200, body: { items, next: null } };
  },
});
