import { type CoveringStop, otherStopsOver } from '../store/covering-stops.ts';
import type { ControlDeps } from './deps.ts';

/** Well under what somebody waits for a page, whatever another transaction holds. */
const patienceMs = 1_000;

/** Null: not known. It is said beside a stop, and neither its view nor a reset that is done may fail or wait with it. */
export async function stopsOver({ store }: Pick<ControlDeps, 'store'>, stopId: string): Promise<CoveringStop[] | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), patienceMs);
  });
  const asked = otherStopsOver(store, stopId).then(
    (others) => [...others],
    () => null,
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
