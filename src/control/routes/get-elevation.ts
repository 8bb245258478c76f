import { ElevationDetail, ElevationPath, ElevationQuery } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { getElevation as get, stopsUnderElevation, usesOfElevation } from '../../store/elevations.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { pageRequest } from '../page-request.ts';
import { showElevation } from '../show-people.ts';

export const getElevation = defineEndpoint({
  method: 'get',
  path: '/v1/elevations/{id}',
  id: 'getElevation',
  summary: 'One elevation, and what was done under it, page by page',
  permission: 'elevation:read',
  input: { path: ElevationPath, query: ElevationQuery, body: nothing },
  answers: [{ status: 200, description: 'For whoever reviews it', schema: ElevationDetail }],
  problems: ['not-found'],
  handle: async ({ path, query }, _request, deps) => {
    const record = await get(deps.store, path.id);
    if (record === undefined) throw new EstopError('not-found');
    const [used, stops] = await Promise.all([
      usesOfElevation(deps.store, path.id, pageRequest(query)),
      stopsUnderElevation(deps.store, path.id),
    ]);
    const { items, inAll, next = null } = used;
    return {
      status: 200,
      body: { ...showElevation(record), used: [...items], usedInAll: inAll, next, stops: [...stops] },
    };
  },
});
