/**
 * Everything one cause (a stop, or a task's end) must make dead, as pure rules (the store: migrations/0007). The lanes of a cause
 * belong together, because they become final together. Times are whatever the caller's one clock says.
 */
export interface LaneLife {
  readonly laneId: string;
  readonly state: 'open' | 'proved' | 'expired' | 'residual' | 'accepted-risk';
  /** How often a probe found access after the cut. An answer from an older round changes nothing. */
  readonly round: number;
  readonly cutAt: number | undefined;
  /** When the last probe that passed had begun. */
  readonly probedAt: number | undefined;
  readonly final: boolean;
}

export interface CauseLife {
  /** A stop asks for one more probe of everything after the last cut; a mere task's end does not. */
  readonly lastProbe: boolean;
  readonly lanes: readonly LaneLife[];
}

export type LaneEvent =
  | { readonly kind: 'cut'; readonly round: number; readonly at: number }
  | {
      readonly kind: 'conclude';
      readonly round: number;
      readonly state: 'proved' | 'expired' | 'residual';
      readonly at: number;
    }
  /** A probe found it alive. */
  | { readonly kind: 'reopen'; readonly round: number }
  /** A probe that began at `begunAt` found it dead. rule: final-probe */
  | { readonly kind: 'last-probe'; readonly round: number; readonly begunAt: number }
  /** By a named person; the only end without proof. */
  | { readonly kind: 'accept-risk' };

export interface CauseStep {
  readonly cause: CauseLife;
  readonly taken: boolean;
}

export const openLane = (laneId: string): LaneLife => ({
  laneId,
  state: 'open',
  round: 0,
  cutAt: undefined,
  probedAt: undefined,
  final: false,
});

/** There is no event that gives up: a lane ends as proved, expired or accepted-risk, and stays open until then. */
export function onLane(cause: CauseLife, laneId: string, event: LaneEvent): CauseStep {
  const lane = cause.lanes.find((one) => one.laneId === laneId);
  if (lane === undefined || lane.final) return { cause, taken: false };
  if (event.kind === 'accept-risk') return take(cause, { ...lane, state: 'accepted-risk', final: true });
  if (event.round !== lane.round) return { cause, taken: false };
  switch (event.kind) {
    case 'cut':
      return lane.cutAt === undefined ? take(cause, { ...lane, cutAt: event.at }) : { cause, taken: false };
    case 'conclude':
      return conclude(cause, lane, event.state, event.at);
    case 'reopen':
      return take(cause, { ...lane, state: 'open', round: lane.round + 1, cutAt: undefined, probedAt: undefined });
    case 'last-probe':
      return lastProbe(cause, lane, event.begunAt);
  }
}

/** Every lane final: nothing of this cause is alive. */
export function isProved(cause: CauseLife): boolean {
  return cause.lanes.every((lane) => lane.final);
}

export function isActedOn(cause: CauseLife): boolean {
  return cause.lanes.every((lane) => lane.final || lane.cutAt !== undefined);
}

export function lastCut(cause: CauseLife): number {
  return Math.max(0, ...cause.lanes.flatMap((lane) => (lane.cutAt === undefined ? [] : [lane.cutAt])));
}

function take(cause: CauseLife, lane: LaneLife): CauseStep {
  return {
    cause: { ...cause, lanes: cause.lanes.map((one) => (one.laneId === lane.laneId ? lane : one)) },
    taken: true,
  };
}

function conclude(cause: CauseLife, lane: LaneLife, state: 'proved' | 'expired' | 'residual', at: number): CauseStep {
  if (lane.state !== 'open' && lane.state !== 'residual') return { cause, taken: false };
  const final = !cause.lastProbe && state !== 'residual';
  return take(cause, { ...lane, state, cutAt: lane.cutAt ?? at, final });
}

/** Only a probe that began after the last cut of all lanes counts; and none while a lane is still to be cut. rule: open-until-final */
function lastProbe(cause: CauseLife, lane: LaneLife, begunAt: number): CauseStep {
  const stillToCut = cause.lanes.some((one) => !one.final && one.cutAt === undefined);
  const concluded = lane.state === 'proved' || lane.state === 'expired';
  if (stillToCut || !concluded || begunAt <= lastCut(cause)) return { cause, taken: false };
  return { cause: finish(take(cause, { ...lane, probedAt: begunAt }).cause), taken: true };
}

/** Together, once each has been probed since the last cut. A residual is watched on its own and holds up nobody. */
function finish(cause: CauseLife): CauseLife {
  const since = lastCut(cause);
  const isFresh = (lane: LaneLife): boolean =>
    (lane.state === 'proved' || lane.state === 'expired') && lane.probedAt !== undefined && lane.probedAt > since;
  const waiting = cause.lanes.some((lane) => !lane.final && lane.state !== 'residual' && !isFresh(lane));
  if (waiting) return cause;
  return {
    ...cause,
    lanes: cause.lanes.map((lane) => (lane.final || !isFresh(lane) ? lane : { ...lane, final: true })),
  };
}
