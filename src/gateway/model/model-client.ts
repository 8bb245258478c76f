import type { ServerResponse } from 'node:http';

/** The client's side of a stream. */
export interface ClientStream {
  /** False: wait for `drained` before more, or a slow reader fills our memory. */
  write(bytes: Buffer): boolean;
  drained(): Promise<void>;
  end(): void;
  destroy(): void;
}

export function clientStream(response: ServerResponse): ClientStream {
  return {
    write: (bytes) => response.write(bytes),
    drained: () =>
      new Promise((resolve) => {
        if (response.destroyed) return resolve();
        const done = (): void => {
          response.off('drain', done).off('close', done);
          resolve();
        };
        response.once('drain', done).once('close', done);
      }),
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}
