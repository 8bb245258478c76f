import type { FlowDelta } from '../core/flow/task-flow.ts';
import { type SettledCall, settledColumns } from './calls.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, intOrUndefined, json, text, texts } from './row.ts';

/** What one answer, or one approval, adds to the memory of a task tree. Written by us and by nobody else: it is not parsed again. */
export interface FlowEntry {
  readonly rootId: string;
  readonly gatewayId: string;
  /** The call whose answer it is. */
  readonly callId?: string;
  readonly deltas: readonly FlowDelta[];
}

export interface FlowRecord {
  readonly rootId: string;
  readonly keyId: string;
  /** Calls whose answers may be known to the agent and are not in the entries. */
  readonly unobserved: readonly string[];
  readonly entries: readonly { readonly seq: number; readonly deltas: readonly FlowDelta[] }[];
}

/** Of a root task that is open; the first opening stands. */
export async function openFlow(
  store: Store,
  opening: { readonly taskId: string; readonly keyId: string; readonly delta: FlowDelta },
): Promise<boolean> {
  const values = [opening.taskId, opening.keyId, JSON.stringify(opening.delta)];
  return bool(await callOne(store, 'open_flow', 'SELECT estop.open_flow($1, $2, $3) AS opened', values), 'opened');
}

/**
 * Without waiting for the disk: what a crash of the store takes back is the entry and the mark that the call was observed, together,
 * so that what is missing is known to be missing. `ended`: how calls of these entries ended, as far as it is not written yet; as
 * settleCallsSoon, in the same commit.
 */
export async function appendFlow(
  store: Store,
  entries: readonly FlowEntry[],
  ended: readonly SettledCall[] = [],
): Promise<readonly { readonly rootId: string; readonly seq: number }[]> {
  const query = `SELECT mode.set_config, a.root_id, a.seq FROM (SELECT set_config('synchronous_commit', 'off', true)) AS mode, estop.append_flow($1, $2, $3, $4, $5, $6) AS a`;
  const rows = await call(store, 'append_flow', query, [JSON.stringify(entries), ...settledColumns(ended)]);
  return rows.map((row) => ({ rootId: text(row, 'root_id'), seq: int(row, 'seq') }));
}

/** Undefined: nobody opened it. */
export async function readFlow(store: Store, taskId: string, after: number): Promise<FlowRecord | undefined> {
  const rows = await call(
    store,
    'read_flow',
    'SELECT root_id, key_id, unobserved, seq, deltas FROM estop.read_flow($1, $2)',
    [taskId, after],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    rootId: text(first, 'root_id'),
    keyId: text(first, 'key_id'),
    unobserved: texts(first, 'unobserved'),
    entries: rows.flatMap((row) => {
      const seq = intOrUndefined(row, 'seq');
      return seq === undefined ? [] : [{ seq, deltas: json(row, 'deltas') as readonly FlowDelta[] }]; // as appendFlow wrote it
    }),
  };
}
