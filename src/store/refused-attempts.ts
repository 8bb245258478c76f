import { call, type Store } from './pool.ts';

/** Of nobody who is known here. Nothing in it is longer than a line, and no secret is. */
export interface RefusedAttempt {
  /** Which way in: a method of the audit. */
  readonly door: 'api' | 'console' | 'slack' | 'trigger';
  /** The address it came from, or what the sender's own system, which has signed it, calls whoever pressed. */
  readonly source: string;
  /** What was tried; a name of ours, not of the sender's. */
  readonly subject: string;
  readonly because: string;
}

/** How often each was seen since this was last said. The store counts them into the minute that it is. */
export async function noteRefusedAttempts(
  store: Store,
  seen: readonly (RefusedAttempt & { readonly times: number })[],
): Promise<void> {
  await call(store, 'note_refused_attempts', 'SELECT estop.note_refused_attempts($1)', [JSON.stringify(seen)]);
}
