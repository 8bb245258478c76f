import { PreviewStop, StopPreview } from '../../contract/http/stops.ts';
import { formatId } from '../../core/ids.ts';
import { previewStop as preview } from '../../store/preview.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isScopeKnown } from '../is-scope-known.ts';
import { playbookOf, showPlaybook } from '../playbook-of.ts';

const patienceMs = 2_000;

/** For a person who hesitates. The stop itself asks for nothing of this. */
export const previewStop = defineEndpoint({
  method: 'post',
  path: '/v1/stops:preview',
  id: 'previewStop',
  summary: 'Preview a stop: what it would cover now; changes nothing',
  permission: 'stop:read',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: PreviewStop },
  answers: [{ status: 200, description: 'Counted, or said to be unknown', schema: StopPreview }],
  problems: [],
  handle: async ({ body }, { seed }, deps) => {
    const previewId = formatId('stop', deps.environment, seed(0));
    const [counted, scopeKnown, chosen] = await Promise.all([
      within(preview(deps.store, body.scopeKey), { kind: 'unknown' }),
      within(
        isScopeKnown(deps, body.scopeKey).catch(() => null),
        null,
      ),
      within(playbookOf(deps, body.scopeKey), undefined),
    ]);
    const playbook = chosen === undefined ? null : showPlaybook(chosen);
    const takenAt = new Date(deps.clock.now()).toISOString();
    if (counted.kind === 'unknown') {
      return {
        status: 200,
        body: {
          previewId,
          scopeKey: body.scopeKey,
          scopeKnown,
          takenAt,
          known: false,
          tasks: null,
          agents: null,
          credentials: null,
          callsInFlight: null,
          examples: [],
          playbook,
        },
      };
    }
    const { openTasks, agents, openGrants, openCalls, examples } = counted;
    return {
      status: 200,
      body: {
        previewId,
        scopeKey: body.scopeKey,
        scopeKnown,
        takenAt,
        known: true,
        tasks: openTasks,
        agents,
        credentials: openGrants,
        callsInFlight: openCalls,
        examples,
        playbook,
      },
    };
  },
});

async function within<Value>(work: Promise<Value>, otherwise: Value): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Value>((resolve) => {
    timer = setTimeout(resolve, patienceMs, otherwise);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
