import { BreakersQuery, BreakerTripPage } from '../../contract/http/limits.ts';
import { listTrips } from '../../store/breakers.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showTrip } from '../show-trip.ts';

export const listBreakers = defineEndpoint({
  method: 'get',
  path: '/v1/breakers',
  id: 'listBreakers',
  summary: 'Breakers that tripped, with the numbers that tripped them',
  permission: 'agent:read',
  input: { path: nothing, query: BreakersQuery, body: nothing },
  answers: [{ status: 200, description: 'Those that are open first, at most 500', schema: BreakerTripPage }],
  problems: [],
  look: async ({ query }, deps) => {
    const { agent, all } = query;
    const trips = await listTrips(deps.store, {
      ...(agent === undefined ? {} : { agentId: agent }),
      open: all === 'false',
    });
    return { items: trips.map(showTrip), next: null };
  },
});
