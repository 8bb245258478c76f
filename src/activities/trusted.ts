import type { TrustedActivities } from '../contract/activities.ts';
import type { Store } from '../store/pool.ts';
import { createApprovalActivities } from './approval.ts';
import { atBoundary, type FailureWatch } from './boundary.ts';
import { createGrantActivities, type GrantDependencies } from './grant.ts';
import { createTaskActivities } from './task.ts';

export interface TrustedActivityDependencies extends GrantDependencies {
  /** A small pool of the same role that only latches use: other work must never keep one waiting for a connection. */
  readonly latchStore: Store;
  readonly onFailure?: FailureWatch | undefined;
}

export function createTrustedActivities(dependencies: TrustedActivityDependencies): TrustedActivities {
  const { store, log } = dependencies;
  return atBoundary(
    {
      ...createTaskActivities(dependencies),
      ...createGrantActivities(dependencies),
      ...createApprovalActivities(store),
    },
    log,
    dependencies.onFailure,
  );
}
