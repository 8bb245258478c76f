import { stopHintChannel } from '../contract/names.ts';
import { call, type Store } from './pool.ts';

/**
 * A hint, after the commit and in a call of its own: it takes a database-wide lock at commit, so an allow path never sends one and
 * a latch never waits for one. rule: notify-after-commit
 */
export async function sendStopHint(store: Store, epoch: number): Promise<void> {
  await call(store, 'stop_hint', 'SELECT pg_notify($1, $2)', [stopHintChannel, String(epoch)]);
}

export interface HintListener {
  close(): void;
}

/**
 * Holds one connection of the pool and calls back on each hint, and once whenever it (re)connects, because what was sent meanwhile is
 * gone. Losing hints costs at most one polling period.
 */
export function listenForStops(store: Store, onHint: () => void, retryMs = 1_000): HintListener {
  let closed = false;
  let drop: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  const retry = (): void => {
    if (!closed) timer = setTimeout(() => void listen(), retryMs).unref();
  };
  const listen = async (): Promise<void> => {
    try {
      const client = await store.connect();
      let released = false;
      drop = () => {
        if (released) return;
        released = true;
        client.removeAllListeners('notification');
        client.release(true);
      };
      if (closed) return drop();
      client.once('error', () => {
        drop?.();
        retry();
      });
      client.on('notification', () => onHint());
      await client.query(`LISTEN ${stopHintChannel}`);
      onHint();
    } catch {
      drop?.();
      retry();
    }
  };
  void listen();
  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
      drop?.();
    },
  };
}
