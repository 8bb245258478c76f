import type { ServerResponse } from 'node:http';

/** What waits in a socket that nobody reads; beyond it a message is dropped rather than kept. */
const mostUnread = 1024 * 1024;
/** How long an answer may take to be fetched once it is written. */
const readWithinMs = 30_000;

export function beginEventStream(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    ...headers,
  });
  response.flushHeaders();
}

/** False: dropped, because its reader is gone or does not read. `must`: the answer, which there is only one of. */
export function writeEvent(response: ServerResponse, data: string, id?: string, must = false): boolean {
  if (response.destroyed || response.writableEnded) return false;
  if (!must && response.writableLength > mostUnread) return false;
  response.write(`${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${data}\n\n`);
  return true;
}

/** Whoever does not fetch what was written for him is hung up on, so that it is not kept for ever. */
export function hangUpOnIdleReader(response: ServerResponse): void {
  if (response.writableFinished || response.destroyed) return;
  const timer = setTimeout(() => response.destroy(), readWithinMs);
  timer.unref();
  response.once('close', () => clearTimeout(timer));
  response.once('finish', () => clearTimeout(timer));
}
