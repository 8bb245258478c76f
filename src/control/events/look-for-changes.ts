import { type ChangesRequest, changedObligations, changedStops, otherChanges } from '../../store/changes.ts';
import type { Store } from '../../store/pool.ts';
import { showApproval } from '../show-approval.ts';
import { showObligation } from '../show-obligation.ts';
import { showStop } from '../show-stop.ts';
import { showTasks } from '../show-task.ts';
import { showTrip } from '../show-trip.ts';
import type { Look, ShownChange } from './event-feed.ts';

interface LookDeps {
  readonly store: Store;
  readonly temporalUiUrl: string | undefined;
}

/** Stops by themselves, so that the news of one waits for nothing else. The same shapes as GET gives. */
export const looksForChanges = (deps: LookDeps): readonly [Look, ...Look[]] => [
  (request) => lookForStops(deps, request),
  (request) => lookForOthers(deps, request),
];

async function lookForStops({ store }: LookDeps, request: ChangesRequest): Promise<readonly ShownChange[]> {
  const stops = await changedStops(store, request);
  return stops
    .toReversed()
    .map(({ stop, summary }) => ({ name: 'stop', key: stop.stopId, data: showStop(stop, summary) }));
}

/** Of one stop only its obligations. Arguments of approvals are left out: an event says that something waits, not what. */
async function lookForOthers(deps: LookDeps, request: ChangesRequest): Promise<readonly ShownChange[]> {
  const { store, temporalUiUrl } = deps;
  const obligations = (await changedObligations(store, request)).map(({ obligation, latchedAt }): ShownChange => {
    const { obligationId, stopId } = obligation;
    const shown = showObligation(obligation, stopId === undefined ? undefined : latchedAt, temporalUiUrl);
    return { name: 'obligation', key: obligationId, data: { ...shown, stopId: stopId ?? null } };
  });
  if (request.stopId !== undefined) return obligations;
  const { tasks, approvals, trips } = await otherChanges(store, request.since);
  const shown = tasks.length === 0 ? [] : await showTasks(deps, tasks);
  return [
    ...obligations,
    ...shown.map((task): ShownChange => ({ name: 'task', key: task.taskId, data: task })),
    ...approvals.map((record): ShownChange => {
      // Values of the call stand in both.
      const { shown: _arguments, reasons: _reasons, ...approval } = showApproval(record);
      return { name: 'approval', key: record.approvalId, data: approval };
    }),
    ...trips.map((trip): ShownChange => ({ name: 'breaker', key: `breaker ${trip.tripId}`, data: showTrip(trip) })),
  ];
}
