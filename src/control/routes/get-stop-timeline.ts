import { StopTimeline } from '../../contract/http/stop-notes.ts';
import { StopPath } from '../../contract/http/stops.ts';
import { EstopError } from '../../core/errors.ts';
import { resetConsents } from '../../store/reset-consents.ts';
import { stopTimeline } from '../../store/stop-timeline.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { stopSentenceOf } from '../stop-sentence.ts';

const most = 500;

export const getStopTimeline = defineEndpoint({
  method: 'get',
  path: '/v1/stops/{id}/timeline',
  id: 'getStopTimeline',
  summary: 'What happened under a stop, who did it, and what was said about it',
  permission: 'stop:read',
  input: { path: StopPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'From the ledger, oldest first', schema: StopTimeline }],
  problems: ['unknown-stop'],
  look: async ({ path }, deps) => {
    const [entries, resetAskedBy] = await Promise.all([
      stopTimeline(deps.store, path.id, most + 1),
      resetConsents(deps.store, path.id),
    ]);
    if (entries.length === 0) throw new EstopError('unknown-stop');
    const items = entries.slice(0, most).map((entry) => ({
      at: entry.at,
      kind: entry.kind,
      what: stopSentenceOf(entry),
      by: entry.by ?? null,
    }));
    return { items, truncated: entries.length > most, resetAskedBy };
  },
});
