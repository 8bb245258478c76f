import { PreviewStop, StopPreview } from '../../contract/http/stops.ts';
import { type StopPreview as Counted, previewStop as preview } from '../../store/preview.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

const patienceMs = 2_000;

/** For a person who hesitates. The stop itself asks for nothing of this. */
export const previewStop = defineEndpoint({
  method: 'post',
  path: '/v1/stops:preview',
  id: 'previewStop',
  summary: 'What a stop of this scope would cover now; changes nothing',
  permission: 'stop:read',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: PreviewStop },
  answers: [{ status: 200, description: 'Counted, or said to be unknown', schema: StopPreview }],
  problems: [],
  handle: async ({ body }, _request, deps) => {
    const counted = await within(preview(deps.store, body.scopeKey));
    const takenAt = new Date().toISOString();
    if (counted.kind === 'unknown') {
      return {
        status: 200,
        body: {
          scopeKey: body.scopeKey,
          takenAt,
          known: false,
          tasks: null,
          agents: null,
          credentials: null,
          callsInFlight: null,
          examples: [],
        },
      };
    }
    const { openTasks, agents, openGrants, openCalls, examples } = counted;
    return {
      status: 200,
      body: {
        scopeKey: body.scopeKey,
        takenAt,
        known: true,
        tasks: openTasks,
        agents,
        credentials: openGrants,
        callsInFlight: openCalls,
        examples,
      },
    };
  },
});

async function within(work: Promise<Counted>): Promise<Counted> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Counted>((resolve) => {
    timer = setTimeout(resolve, patienceMs, { kind: 'unknown' });
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
