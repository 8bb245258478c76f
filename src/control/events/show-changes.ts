import type { Changes } from '../../store/changes.ts';
import type { ControlDeps } from '../deps.ts';
import { showApproval } from '../show-approval.ts';
import { showObligation } from '../show-obligation.ts';
import { showStops } from '../show-stop.ts';
import { showTasks } from '../show-task.ts';
import { showTrip } from '../show-trip.ts';
import type { ShownChange } from './event-feed.ts';

type ShowDeps = Pick<ControlDeps, 'store' | 'temporalUiUrl'>;

/** The same shapes as GET gives. Arguments of approvals are left out: an event says that something waits, not what. */
export async function showChanges(deps: ShowDeps, changes: Changes): Promise<readonly ShownChange[]> {
  const latchedAt = new Map(changes.stops.map((stop) => [stop.stopId, stop.latchedAt]));
  const [stops, tasks] = await Promise.all([showStops(deps, changes.stops), showTasks(deps, changes.tasks)]);
  return [
    ...stops.toReversed().map((stop): ShownChange => ({ name: 'stop', key: stop.stopId, data: stop })),
    ...changes.obligations.map((record): ShownChange => {
      const shown = showObligation(
        record,
        record.stopId === undefined ? undefined : latchedAt.get(record.stopId),
        deps.temporalUiUrl,
      );
      return { name: 'obligation', key: record.obligationId, data: { ...shown, stopId: record.stopId ?? null } };
    }),
    ...tasks.map((task): ShownChange => ({ name: 'task', key: task.taskId, data: task })),
    ...changes.approvals.map((record): ShownChange => {
      // Values of the call stand in both.
      const { shown: _arguments, reasons: _reasons, ...approval } = showApproval(record, Date.now());
      return { name: 'approval', key: record.approvalId, data: approval };
    }),
    ...changes.trips.map(
      (trip): ShownChange => ({ name: 'breaker', key: `breaker ${trip.tripId}`, data: showTrip(trip) }),
    ),
  ];
}
