import { ResetResult, ResetStop, StopPath } from '../../contract/http/stops.ts';
import { personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { resetConsents } from '../../store/reset-consents.ts';
import { resetStop as reset } from '../../store/stops.ts';
import { stopInPath } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { namesOfCaller } from '../names-of-caller.ts';
import { stopsOver } from '../stops-over.ts';

const fenceRetryMs = 1_000;

/** Unlatches ONE stop by its own id; restarts nothing. Who may, and for the fleet how many, the store decides in the same call. */
export const resetStop = defineEndpoint({
  method: 'post',
  path: '/v1/stops/{id}:reset',
  id: 'resetStop',
  summary: 'Unlatch one stop; the fleet needs two people within 15 minutes',
  permission: 'stop:reset',
  concerns: stopInPath,
  underElevation: 'refused',
  repeats: 'stored',
  input: { path: StopPath, query: nothing, body: ResetStop },
  answers: [
    { status: 200, description: 'Reset, now or before', schema: ResetResult },
    { status: 202, description: 'Recorded; still latched until another person says the same', schema: ResetResult },
  ],
  problems: ['unknown-stop', 'not-fenced'],
  handle: async ({ path, body }, request, deps) => {
    const stopId = path.id;
    const by = { actor: personOf(request.identity), names: namesOfCaller(request.identity, deps) };
    const outcome = await reset(deps.store, { stopId, ...by, reason: body.reason });
    switch (outcome.kind) {
      case 'unknown':
        throw new EstopError('unknown-stop');
      case 'not-fenced':
        throw new EstopError('not-fenced', { retryAfterMs: fenceRetryMs });
      case 'needs-second-person':
        return {
          status: 202,
          body: {
            stopId,
            outcome: 'awaiting-second-person',
            epoch: null,
            resetAt: null,
            requestedBy: await resetConsents(deps.store, stopId),
            stillStoppedBy: null,
          },
        };
      case 'reset':
      case 'already-reset':
        return {
          status: 200,
          body: {
            stopId,
            outcome: outcome.kind,
            epoch: outcome.epoch,
            resetAt: outcome.at,
            requestedBy: await resetConsents(deps.store, stopId),
            // Asked of a reset that is done: that it cannot be read undoes nothing.
            stillStoppedBy: await stopsOver(deps, stopId),
          },
        };
    }
  },
});
