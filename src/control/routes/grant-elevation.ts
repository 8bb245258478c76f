import { Elevation, ElevationPath } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { getElevation, grantElevation as grant } from '../../store/elevations.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { namesOfCaller } from '../names-of-caller.ts';
import { showElevation } from '../show-people.ts';

export const grantElevation = defineEndpoint({
  method: 'post',
  path: '/v1/elevations/{id}:grant',
  id: 'grantElevation',
  summary: 'Be the second person: the elevation begins',
  permission: 'elevation:judge',
  underElevation: 'refused',
  input: { path: ElevationPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'It has begun', schema: Elevation }],
  problems: ['not-found', 'forbidden', 'conflict'],
  handle: async ({ path }, { identity }, deps) => {
    const asked = await getElevation(deps.store, path.id);
    if (asked === undefined) throw new EstopError('not-found');
    if (!identity.roles.some((role) => role === asked.role || role === 'admin'))
      throw new EstopError('forbidden', { detail: `Who is not ${asked.role} cannot let anybody be it.` });
    const outcome = await grant(deps.store, path.id, { names: namesOfCaller(identity, deps), actor: identity.actor });
    switch (outcome) {
      case 'unknown':
        throw new EstopError('not-found');
      case 'same-person':
        throw new EstopError('forbidden', { detail: 'The second person is somebody else.' });
      case 'closed':
        throw new EstopError('conflict', { detail: 'It has begun, was ended, or nobody came in time.' });
      case 'active': {
        const record = await getElevation(deps.store, path.id);
        return { status: 200, body: showElevation(record ?? asked) };
      }
    }
  },
});
