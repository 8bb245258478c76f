import { call, type Store } from './pool.ts';

/** Who may approve now, of those whom the store does not know by itself. Good for ten seconds. Undefined: this process ends. */
export async function sayApprovers(
  store: Store,
  controlId: string,
  listed: readonly string[] | undefined,
): Promise<void> {
  const values = [controlId, listed === undefined ? null : [...listed]];
  await call(store, 'say_approvers', 'SELECT estop.say_approvers($1, $2)', values);
}
