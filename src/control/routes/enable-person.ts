import { MayGiveReason } from '../../contract/http/fields.ts';
import { PersonPath, PersonResult } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { disablePerson as disable } from '../../store/people.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

export const enablePerson = defineEndpoint({
  method: 'post',
  path: '/v1/people/{id}:enable',
  id: 'enablePerson',
  summary: 'Let somebody in again; they sign in anew',
  permission: 'people:manage',
  repeats: 'repeatable',
  underElevation: 'refused',
  input: { path: PersonPath, query: nothing, body: MayGiveReason },
  answers: [
    { status: 200, description: 'Bites within 5 s, in open streams and at the stop process too', schema: PersonResult },
  ],
  problems: ['not-found'],
  handle: async ({ path, body }, { identity }, deps) => {
    const outcome = await disable(deps.store, path.id, false, identity.actor, body.reason);
    if (outcome === 'unknown') throw new EstopError('not-found');
    return { status: 200, body: { personId: path.id, outcome } };
  },
});
