import { StopPage, StopQuery } from '../../contract/http/stops.ts';
import { listStops as list } from '../../store/stops.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { knownScopes } from '../is-scope-known.ts';
import { knownInTime } from '../known-in-time.ts';
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
    const [shown, known] = await Promise.all([
      showStops(deps, page.items),
      knownInTime(
        knownScopes(
          deps,
          page.items.map(({ scopeKey }) => scopeKey),
        ),
      ),
    ]);
    // What had a credential to be cut is known, whatever became of the name since.
    const items = shown.map((stop) => ({
      ...stop,
      scopeKnown: stop.obligations.total > 0 || (known?.has(stop.scopeKey) ?? null),
    }));
    return { items, next: page.next ?? null };
  },
});
