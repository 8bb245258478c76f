import { ProceedPath, ProceedPhase, ProceedResult } from '../../contract/http/playbooks.ts';
import { EstopError } from '../../core/errors.ts';
import { releasePhase } from '../../store/playbooks.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

/** Lets a phase go on that a playbook makes wait. There is no way to make one wait that does not. */
export const proceedPhase = defineEndpoint({
  method: 'post',
  path: '/v1/stops/{id}:proceed',
  id: 'proceedPhase',
  summary: 'Let a phase of this stop run that its playbook makes wait for a person',
  permission: 'stop:proceed',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: ProceedPath, query: nothing, body: ProceedPhase },
  answers: [
    { status: 200, description: 'It goes on within seconds, or there was nothing to let go', schema: ProceedResult },
  ],
  problems: ['unknown-stop'],
  handle: async ({ path, body }, request, deps) => {
    const { phase, reason } = body;
    const outcome = await releasePhase(deps.store, { stopId: path.id, phase, actor: request.identity.actor, reason });
    if (outcome === 'unknown') throw new EstopError('unknown-stop');
    return { status: 200, body: { stopId: path.id, phase, outcome } };
  },
});
