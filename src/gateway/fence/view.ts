import { deadBy, type StopMark } from '../../core/credential.ts';

/** A stop as a gateway holds it. `agents`: for a label, those who carry it now or carried it when the stop was latched. */
export interface StopInView extends StopMark {
  readonly agents: readonly string[];
}

/**
 * Every stop in force, and every reset one until the longest-lived token issued before its reset is dead.
 * rule: view-holds-reset-stops
 */
export interface FenceView {
  readonly epoch: number;
  readonly stops: readonly StopInView[];
  readonly byKey: ReadonlyMap<string, readonly StopInView[]>;
  readonly labelled: readonly StopInView[];
}

/** What is asked about: a token, or a token together with the tool or connector it reaches for. */
export interface Bearer {
  readonly keys: readonly string[];
  readonly agents: readonly string[];
  readonly epoch: number;
}

export function createView(epoch: number, stops: readonly StopInView[]): FenceView {
  const byKey = new Map<string, StopInView[]>();
  for (const stop of stops) {
    const same = byKey.get(stop.scopeKey);
    if (same === undefined) byKey.set(stop.scopeKey, [stop]);
    else same.push(stop);
  }
  return { epoch, stops, byKey, labelled: stops.filter((stop) => stop.agents.length > 0) };
}

/**
 * The stop that kills a bearer, the oldest of them; undefined if none does. A label matches as of mint (it is among the keys)
 * or as of now (an agent of the line carries it). The second is asked stop by stop: who carried a label differs from one stop
 * to the next, so the label must not become a key that a later stop on it would match as well.
 * rule: dead-iff-in-force-or-younger, label-as-of-mint-or-now
 */
export function killerOf(view: FenceView, bearer: Bearer): StopMark | undefined {
  if (view.stops.length === 0) return undefined;
  let killer: StopMark | undefined;
  for (const key of bearer.keys) {
    const stops = view.byKey.get(key);
    if (stops !== undefined) killer = older(killer, deadBy({ keys: bearer.keys, epoch: bearer.epoch }, stops));
  }
  for (const stop of view.labelled) {
    if (!stop.agents.some((agent) => bearer.agents.includes(agent))) continue;
    killer = older(killer, deadBy({ keys: [stop.scopeKey], epoch: bearer.epoch }, [stop]));
  }
  return killer;
}

function older(one: StopMark | undefined, other: StopMark | undefined): StopMark | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.epoch < one.epoch ? other : one;
}
