import type { Store } from '../../store/pool.ts';
import { pruneRows } from '../../store/retention.ts';
import type { Round } from './keep-going.ts';

const batchSize = 200;
const moreMs = 1_000;
const doneMs = 3_600_000;

/** Small batches, seconds apart while there is more, so that nobody who works waits for one. */
export function retentionRound(store: Store, olderMs: number, atMost = batchSize): Round {
  return {
    name: 'retention',
    run: async () => ((await pruneRows(store, { olderMs, atMost })) < atMost ? doneMs : moreMs),
  };
}
