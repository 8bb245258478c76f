import { type ChangesRequest, changedObligations, changedStops, otherChanges } from '../../store/changes.ts';
import type { Store } from '../../store/pool.ts';
import { showApproval } from '../show-approval.ts';
import { showObligation } from '../show-obligation.ts';
import { showStop } from '../show-stop.ts';
import { showTasks } from '../show-task.ts';
import { showTrip } from '../show-trip.ts';
import type { ShownChange, Tell } from './event-feed.ts';

interface LookDeps {
  readonly store: Store;
  readonly temporalUiUrl: string | undefined;
}

/**
 * Stops are told before anything else is asked. The same shapes as GET gives; of one stop only it and its obligations. Arguments of
 * approvals are left out: an event says that something waits, not what.
 */
export async function lookForChanges(deps: LookDeps, request: ChangesRequest, tell: Tell): Promise<void> {
  const { store, temporalUiUrl } = deps;
  const stops = await changedStops(store, request);
  await tell(
    stops
      .toReversed()
      .map(({ stop, summary }) => ({ name: 'stop', key: stop.stopId, data: showStop(stop, summary) }) as const),
  );
  const latchedAt = new Map(stops.map(({ stop }) => [stop.stopId, stop.latchedAt]));
  const tellObligations = async (): Promise<void> => {
    const obligations = await changedObligations(store, request);
    await tell(
      obligations.map((record): ShownChange => {
        const { stopId, obligationId } = record;
        const shown = showObligation(record, stopId === undefined ? undefined : latchedAt.get(stopId), temporalUiUrl);
        return { name: 'obligation', key: obligationId, data: { ...shown, stopId: stopId ?? null } };
      }),
    );
  };
  const tellOthers = async (): Promise<void> => {
    const { tasks, approvals, trips } = await otherChanges(store, request.since);
    const shown = tasks.length === 0 ? [] : await showTasks(deps, tasks);
    await tell([
      ...shown.map((task): ShownChange => ({ name: 'task', key: task.taskId, data: task })),
      ...approvals.map((record): ShownChange => {
        // Values of the call stand in both.
        const { shown: _arguments, reasons: _reasons, ...approval } = showApproval(record, Date.now());
        return { name: 'approval', key: record.approvalId, data: approval };
      }),
      ...trips.map((trip): ShownChange => ({ name: 'breaker', key: `breaker ${trip.tripId}`, data: showTrip(trip) })),
    ]);
  };
  await Promise.all([tellObligations(), ...(request.stopId === undefined ? [tellOthers()] : [])]);
}
