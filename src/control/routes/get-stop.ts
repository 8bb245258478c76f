import { StopPath, StopView } from '../../contract/http/stops.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showStopView } from '../show-stop-view.ts';

export const getStop = defineEndpoint({
  method: 'get',
  path: '/v1/stops/{id}',
  id: 'getStop',
  summary: 'How far a stop is, stage by stage and system by system',
  permission: 'stop:read',
  input: { path: StopPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'Only what was verified', schema: StopView }],
  problems: ['unknown-stop'],
  look: ({ path }, deps) => showStopView(deps, path.id),
});
