import type { ScopeKey } from './scope-key.ts';

/** Any token, grant, approval or registered task: what a stop can kill. */
export interface Credential {
  readonly keys: readonly ScopeKey[];
  /** The installation's epoch when it was issued. */
  readonly epoch: number;
}

export interface StopMark {
  readonly stopId: string;
  readonly scopeKey: ScopeKey;
  readonly epoch: number;
  readonly inForce: boolean;
}

/**
 * The one rule: a credential is dead iff a stop that matches one of its scope keys is in force, or
 * matches and has a higher epoch than it. Returns the stop that kills it, or undefined. `estop.dead_by` in SQL is held equal
 * to this function by a property test. Category and grace are no parameters: a task that winds down has no power left.
 * rule: dead-iff-in-force-or-younger, grace-has-no-power
 */
export function deadBy(credential: Credential, stops: Iterable<StopMark>): StopMark | undefined {
  for (const stop of stops) {
    if (!credential.keys.includes(stop.scopeKey)) continue;
    if (stop.inForce || stop.epoch > credential.epoch) return stop;
  }
  return undefined;
}
