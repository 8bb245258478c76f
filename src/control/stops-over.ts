import { type CoveringStop, otherStopsOver } from '../store/covering-stops.ts';
import type { ControlDeps } from './deps.ts';
import { knownInTime } from './known-in-time.ts';

/** Null: not known. */
export async function stopsOver({ store }: Pick<ControlDeps, 'store'>, stopId: string): Promise<CoveringStop[] | null> {
  const others = await knownInTime(otherStopsOver(store, stopId));
  return others === null ? null : [...others];
}
