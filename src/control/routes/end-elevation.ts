import { Elevation, ElevationPath } from '../../contract/http/people.ts';
import { personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { endElevation as end, getElevation } from '../../store/elevations.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isOverAll } from '../permission.ts';
import { showElevation } from '../show-people.ts';

export const endElevation = defineEndpoint({
  method: 'post',
  path: '/v1/elevations/{id}:end',
  id: 'endElevation',
  summary: 'End your elevation before its time; an admin, anybody’s',
  permission: 'self:manage',
  underElevation: 'ends-it',
  repeats: 'repeatable',
  input: { path: ElevationPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'Over; somebody else still looks at it', schema: Elevation }],
  problems: ['not-found'],
  handle: async ({ path }, { identity }, deps) => {
    const mayEndAny = isOverAll(identity, 'people:manage') && identity.elevation === undefined;
    const by = { actor: identity.actor, ...(mayEndAny ? {} : { person: personOf(identity) }) };
    const outcome = await end(deps.store, path.id, by);
    const record = await getElevation(deps.store, path.id);
    if (outcome === 'unknown' || record === undefined) throw new EstopError('not-found');
    return { status: 200, body: showElevation(record) };
  },
});
