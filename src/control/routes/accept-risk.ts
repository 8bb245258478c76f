import { AcceptRisk, Obligation, ObligationPath } from '../../contract/http/stops.ts';
import { EstopError } from '../../core/errors.ts';
import { acceptRisk as accept, getObligation, type ObligationRecord } from '../../store/obligations.ts';
import { getStop } from '../../store/stops.ts';
import { obligationInPath } from '../concern.ts';
import type { ControlDeps } from '../deps.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showObligation } from '../show-obligation.ts';

/** The one way to close an obligation that is not dead: a person, with a reason, for good. */
export const acceptRisk = defineEndpoint({
  method: 'post',
  path: '/v1/obligations/{id}:accept-risk',
  id: 'acceptRisk',
  summary: 'Close an obligation that cannot be made dead, in your name',
  permission: 'risk:accept',
  underElevation: 'refused',
  concerns: obligationInPath,
  input: { path: ObligationPath, query: nothing, body: AcceptRisk },
  answers: [{ status: 200, description: 'Recorded for good', schema: Obligation }],
  problems: ['unknown-obligation', 'conflict'],
  handle: async ({ path, body }, request, deps) => {
    await requireObligation(deps, path.id);
    const isAccepted = await accept(deps.store, path.id, request.identity.actor, body.reason);
    if (!isAccepted) throw new EstopError('conflict', { detail: 'This obligation is final already.' });
    const record = await requireObligation(deps, path.id);
    const stop = record.stopId === undefined ? undefined : await getStop(deps.store, record.stopId);
    return { status: 200, body: showObligation(record, stop?.latchedAt, deps.temporalUiUrl) };
  },
});

async function requireObligation(deps: ControlDeps, obligationId: string): Promise<ObligationRecord> {
  const record = await getObligation(deps.store, obligationId);
  if (record === undefined) throw new EstopError('unknown-obligation');
  return record;
}
