import { ElevationDetail, ElevationPath } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { listAudit } from '../../store/audit.ts';
import { getElevation as get, stopsUnderElevation } from '../../store/elevations.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showElevation } from '../show-people.ts';

export const getElevation = defineEndpoint({
  method: 'get',
  path: '/v1/elevations/{id}',
  id: 'getElevation',
  summary: 'One elevation, and everything that was done under it',
  permission: 'elevation:read',
  input: { path: ElevationPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'For whoever reviews it', schema: ElevationDetail }],
  problems: ['not-found'],
  handle: async ({ path }, _request, deps) => {
    const record = await get(deps.store, path.id);
    if (record === undefined) throw new EstopError('not-found');
    const [audit, stops] = await Promise.all([
      listAudit(deps.store, { subject: `elevation:${path.id}`, limit: 200 }),
      stopsUnderElevation(deps.store, path.id),
    ]);
    const used = audit.items
      .filter(({ kind }) => kind === 'elevation.used')
      .map(({ at, detail }) => ({ at, what: String(detail['what']), path: String(detail['path']) }));
    return { status: 200, body: { ...showElevation(record), used, stops } };
  },
});
