import { ObligationPage, ObligationQuery, StopPath } from '../../contract/http/stops.ts';
import { EstopError } from '../../core/errors.ts';
import { listObligations as list } from '../../store/obligations.ts';
import { getStop } from '../../store/stops.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { pageRequest } from '../page-request.ts';
import { showObligation } from '../show-obligation.ts';

export const listObligations = defineEndpoint({
  method: 'get',
  path: '/v1/stops/{id}/obligations',
  id: 'listObligations',
  summary: 'Everything this stop must make dead, newest first',
  permission: 'stop:read',
  input: { path: StopPath, query: ObligationQuery, body: nothing },
  answers: [{ status: 200, description: 'One page', schema: ObligationPage }],
  problems: ['unknown-stop'],
  look: async ({ path, query }, deps) => {
    const stop = await getStop(deps.store, path.id);
    if (stop === undefined) throw new EstopError('unknown-stop');
    const page = await list(deps.store, { ...pageRequest(query), causeId: stop.stopId });
    const items = page.items.map((record) => showObligation(record, stop.latchedAt, deps.temporalUiUrl));
    return { items, next: page.next ?? null };
  },
});
