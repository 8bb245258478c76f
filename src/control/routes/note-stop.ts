import { NoteStop } from '../../contract/http/stop-notes.ts';
import { StopPath, StopView } from '../../contract/http/stops.ts';
import { EstopError } from '../../core/errors.ts';
import { appendAudit } from '../../store/audit.ts';
import { getStop } from '../../store/stops.ts';
import { stopInPath } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showStopView } from '../show-stop-view.ts';

export const noteStop = defineEndpoint({
  method: 'post',
  path: '/v1/stops/{id}:note',
  id: 'noteStop',
  summary: 'Say something about a stop, for example its reason afterwards; changes nothing of it',
  permission: 'stop:note',
  underElevation: 'allowed',
  concerns: stopInPath,
  repeats: 'stored',
  input: { path: StopPath, query: nothing, body: NoteStop },
  answers: [{ status: 200, description: 'Recorded for good', schema: StopView }],
  problems: ['unknown-stop'],
  handle: async ({ path, body }, request, deps) => {
    if ((await getStop(deps.store, path.id)) === undefined) throw new EstopError('unknown-stop');
    await appendAudit(deps.store, {
      kind: 'stop.noted',
      actor: request.identity.actor,
      subject: path.id,
      after: { text: body.text },
    });
    return { status: 200, body: await showStopView(deps, path.id) };
  },
});
