import { Elevation, ElevationPath, ReviewElevation } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { getElevation, reviewElevation as review } from '../../store/elevations.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { namesOfCaller } from '../names-of-caller.ts';
import { showElevation } from '../show-people.ts';

export const reviewElevation = defineEndpoint({
  method: 'post',
  path: '/v1/elevations/{id}:review',
  id: 'reviewElevation',
  summary: 'Sign that you looked at what was done under it; never your own',
  permission: 'elevation:judge',
  underElevation: 'refused',
  input: { path: ElevationPath, query: nothing, body: ReviewElevation },
  answers: [{ status: 200, description: 'Signed, for good', schema: Elevation }],
  problems: ['not-found', 'forbidden', 'conflict'],
  handle: async ({ path, body }, { identity }, deps) => {
    const by = { names: namesOfCaller(identity, deps), actor: identity.actor };
    const outcome = await review(deps.store, path.id, { ...by, ...body });
    switch (outcome) {
      case 'unknown':
        throw new EstopError('not-found');
      case 'same-person':
        throw new EstopError('forbidden', { detail: 'Somebody else looks at what you did.' });
      case 'active':
        throw new EstopError('conflict', { detail: 'It is not over yet.' });
      case 'closed':
        throw new EstopError('conflict', { detail: 'It was signed already, or never began.' });
      case 'done': {
        const record = await getElevation(deps.store, path.id);
        if (record === undefined) throw new EstopError('not-found');
        return { status: 200, body: showElevation(record) };
      }
    }
  },
});
