import { StopPage, StopQuery } from '../../contract/http/stops.ts';
import { listStops as list } from '../../store/stops.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { pageRequest } from '../page-request.ts';
import { showStops } from '../show-stop.ts';

export const listStops = defineEndpoint({
  method: 'get',
  path: '/v1/stops',
  id: 'listStops',
  summary: 'Stops, newest first',
  permission: 'stop:read',
  input: { path: nothing, query: StopQuery, body: nothing },
  answers: [{ status: 200, description: 'One page', schema: StopPage }],
  problems: [],
  look: async ({ query }, deps) => {
    const page = await list(deps.store, {
      ...pageRequest(query),
      ...(query.inForce === undefined ? {} : { inForce: query.inForce === 'true' }),
    });
    return { items: await showStops(deps, page.items), next: page.next ?? null };
  },
});
