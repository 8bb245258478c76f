import { randomBytes } from 'node:crypto';
import type { ScheduledDrill } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import { formatId } from '../../core/ids.ts';
import { askDueDrill, dueDrills, pruneDrills } from '../../store/drill-schedule.ts';
import type { Store } from '../../store/pool.ts';
import type { Round } from './keep-going.ts';

interface ScheduleDeps {
  readonly store: Store;
  readonly environment: string;
  readonly schedule: () => readonly ScheduledDrill[];
  readonly log: Log;
}

const pauseMs = 5_000;

/**
 * Asks for the drills that are due. When one was last made is in the ledger and nowhere else, so a restart neither repeats nor forgets one;
 * whether a stop stands in the way is decided where it is written down.
 */
export function drillScheduleRound({ store, environment, schedule, log }: ScheduleDeps): Round {
  return {
    name: 'drill-schedule',
    run: async () => {
      const planned = schedule();
      if (planned.length === 0) return pauseMs;
      for (const due of await dueDrills(store, planned)) {
        const taskId = formatId('task', environment, randomBytes(16));
        const outcome = await askDueDrill(store, { ...due, taskId });
        if (outcome === 'asked')
          log.info({ event: 'drill.asked', taskId, connectorId: due.connectorId }, 'a connector is due for its drill');
      }
      return pauseMs;
    },
  };
}

export function drillTidyRound(store: Store, olderMs: number, atMost = 200): Round {
  return {
    name: 'drill-tidy',
    run: async () => ((await pruneDrills(store, olderMs, atMost)) < atMost ? 3_600_000 : 1_000),
  };
}
