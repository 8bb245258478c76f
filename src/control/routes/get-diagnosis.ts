import { Diagnosis } from '../../contract/http/diagnosis.ts';
import { readVersion } from '../../runtime/package-version.ts';
import { failedDeliveries, failingEndpoints } from '../../store/notices.ts';
import { storeFacts } from '../../store/store-facts.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

export const getDiagnosis = defineEndpoint({
  method: 'get',
  path: '/v1/diagnosis',
  id: 'getDiagnosis',
  summary: 'What is reached, which versions run, and what would weaken a stop',
  permission: 'config:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'As of now', schema: Diagnosis }],
  problems: [],
  handle: async (_input, _request, deps) => {
    const { signIn, notifications } = deps.config.current();
    const [store, temporal, failed, failing, answers] = await Promise.all([
      orNull(storeFacts(deps.store).then((facts) => ({ facts, answeredAt: Date.now() }))),
      orNull(Promise.resolve(deps.workflows.serverVersion?.() ?? null)),
      orNull(failedDeliveries(deps.store)),
      orNull(failingEndpoints(deps.store)),
      signIn?.oidc === undefined ? undefined : deps.identityProvider.answers(),
    ]);
    const now = Date.now();
    const body: Diagnosis = {
      version: readVersion(),
      environment: deps.environment,
      now: new Date(now).toISOString(),
      store:
        store === null
          ? null
          : {
              ...store.facts,
              // As of the same moment: whoever compares the two would take the wait for another part for a clock that is off.
              now: new Date(Date.parse(store.facts.now) + now - store.answeredAt).toISOString(),
              gateways: store.facts.gateways.map((one) => ({ ...one })),
            },
      temporal: temporal === null ? null : { version: temporal },
      identityProvider: answers === undefined ? 'none' : answers ? 'answers' : 'away',
      notifications: {
        endpoints: notifications?.endpoints.length ?? 0,
        failedLately: failed,
        failing: failing === null ? null : [...failing],
      },
    };
    return { status: 200, body };
  },
});

/** A part that is away is what was asked about. Pools and Temporal's client have limits of time of their own. */
const orNull = <Value>(work: Promise<Value>): Promise<Value | null> => work.catch(() => null);
