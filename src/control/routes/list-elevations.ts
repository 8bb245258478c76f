import { ElevationPage, ElevationsQuery } from '../../contract/http/people.ts';
import { listElevations as list } from '../../store/elevations.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showElevation } from '../show-people.ts';

export const listElevations = defineEndpoint({
  method: 'get',
  path: '/v1/elevations',
  id: 'listElevations',
  summary: 'Roles that were taken for a while: asked for, active, and those that somebody still has to look at',
  permission: 'elevation:read',
  input: { path: nothing, query: ElevationsQuery, body: nothing },
  answers: [{ status: 200, description: 'The newest first', schema: ElevationPage }],
  problems: [],
  handle: async ({ query }, _request, deps) => ({
    status: 200,
    body: { items: (await list(deps.store, query.all === 'false')).map(showElevation), next: null },
  }),
});
