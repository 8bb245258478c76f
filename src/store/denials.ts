import { call, type Store } from './pool.ts';

/** What a gateway refused before it asked the ledger, as often as it did since it last said so. */
export interface SeenDenial {
  /** Undefined: of several tasks, of which there were too many to be told one by one. */
  readonly taskId?: string;
  readonly agentId: string;
  /** The key of the tool or the model, else the kind of request: never a name that the agent made up. */
  readonly asked: string;
  /** In hexadecimal. */
  readonly digest?: string;
  readonly reason: string;
  readonly policyVersion?: string;
  readonly policies: readonly string[];
  readonly times: number;
}

/** Without waiting for the disk: the denial itself has been answered long since. */
export async function noteDenials(store: Store, gatewayId: string, denials: readonly SeenDenial[]): Promise<void> {
  const query = `SELECT estop.note_denials($1, $2) FROM (SELECT set_config('synchronous_commit', 'off', true) AS mode) m WHERE m.mode = 'off'`;
  await call(store, 'note_denials', query, [gatewayId, JSON.stringify(denials)]);
}
