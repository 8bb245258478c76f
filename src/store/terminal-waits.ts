import { call, type Store } from './pool.ts';
import { bool, bytesOrUndefined, int } from './row.ts';

export interface NewTerminalWait {
  readonly handleHash: Uint8Array;
  /** The provider's name of it, which nobody reads without the handle. */
  readonly sealed: Uint8Array;
  readonly everyMs: number;
  readonly lifeMs: number;
}

export async function beginTerminal(
  store: Store,
  { handleHash, sealed, everyMs, lifeMs }: NewTerminalWait,
): Promise<void> {
  const values = [Buffer.from(handleHash), Buffer.from(sealed), everyMs, lifeMs];
  await call(store, 'begin_terminal', 'SELECT estop.begin_terminal($1, $2, $3, $4)', values);
}

export interface WaitingTerminal {
  readonly sealed: Uint8Array;
  readonly everyMs: number;
  /** False: the provider was asked a moment ago, here or by another process. */
  readonly isDue: boolean;
}

/** Undefined: none waits under this handle, or not any more. */
export async function askTerminal(store: Store, handleHash: Uint8Array): Promise<WaitingTerminal | undefined> {
  const query = 'SELECT sealed, every_ms, due FROM estop.ask_terminal($1)';
  const [row] = await call(store, 'ask_terminal', query, [Buffer.from(handleHash)]);
  return row === undefined
    ? undefined
    : {
        sealed: bytesOrUndefined(row, 'sealed') ?? new Uint8Array(),
        everyMs: int(row, 'every_ms'),
        isDue: bool(row, 'due'),
      };
}

export async function endTerminal(store: Store, handleHash: Uint8Array): Promise<void> {
  await call(store, 'end_terminal', 'SELECT estop.end_terminal($1)', [Buffer.from(handleHash)]);
}
