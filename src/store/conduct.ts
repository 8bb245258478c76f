import { call, type Store } from './pool.ts';

/** What one gateway saw of one agent and one tool since it last said so. */
export interface SeenConduct {
  readonly agentId: string;
  readonly toolKey: string;
  readonly calls: number;
  readonly errors: number;
  readonly denied: number;
  readonly beyond: number;
  readonly overBudget: number;
  readonly risk: number;
  readonly microcents: number;
}

/** A call that was made more than once: its digest, in hexadecimal. */
export interface SeenRepeat {
  readonly agentId: string;
  readonly digest: string;
  readonly calls: number;
}

export async function noteConduct(
  store: Store,
  gatewayId: string,
  seen: readonly SeenConduct[],
  repeats: readonly SeenRepeat[],
): Promise<void> {
  await call(
    store,
    'note_conduct',
    `SELECT estop.note_conduct($1, $2, $3) FROM (SELECT set_config('synchronous_commit', 'off', true) AS mode) m WHERE m.mode = 'off'`,
    [gatewayId, JSON.stringify(seen), JSON.stringify(repeats)],
  );
}
