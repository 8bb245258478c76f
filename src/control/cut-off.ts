import type { ServerResponse } from 'node:http';
import type { Context } from 'hono';

/** Ends a connection to which not everything was written, with what still waits for it. */
export function cutOff({ env }: Context): void {
  // What @hono/node-server hands on; a request that came over no connection has none.
  const { outgoing } = (env ?? {}) as { readonly outgoing?: ServerResponse };
  if (outgoing?.writableFinished === false) outgoing.destroy();
}
