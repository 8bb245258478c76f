import { MayGiveReason } from '../../contract/http/fields.ts';
import { PersonPath, PersonResult } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { disablePerson as disable } from '../../store/people.ts';
import { endSessionsOf } from '../agent-clients/end-session.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

export const disablePerson = defineEndpoint({
  method: 'post',
  path: '/v1/people/{id}:disable',
  id: 'disablePerson',
  summary: 'Let somebody in no more, whatever the identity provider says; all that they have open ends',
  permission: 'people:manage',
  repeats: 'repeatable',
  underElevation: 'refused',
  input: { path: PersonPath, query: nothing, body: MayGiveReason },
  answers: [
    { status: 200, description: 'Bites within 5 s, in open streams and at the stop process too', schema: PersonResult },
  ],
  problems: ['not-found'],
  handle: async ({ path, body }, { identity }, deps) => {
    const outcome = await disable(deps.store, path.id, true, identity.actor, body.reason);
    if (outcome === 'unknown') throw new EstopError('not-found');
    await endSessionsOf(deps, path.id);
    return { status: 200, body: { personId: path.id, outcome } };
  },
});
