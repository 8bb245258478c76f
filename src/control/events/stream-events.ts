import type { EventFeed, FeedEvent } from './event-feed.ts';
import { createTurns, type Turns } from './turns.ts';

const heartbeatMs = 15_000;
/** A role that was taken away has to bite within 5 s, in streams as well. */
const permissionEveryMs = 1_000;
const maxAgeMs = 10 * 60_000;
/** As much as a look at a busy ledger may find at once; all who listen are given the same bytes. What came before is given out as it is read. */
const mostBehindBytes = 16 * 1024 * 1024;
const portionBytes = 64 * 1024;
/** The past is read for each by itself, and may be megabytes. The news waits for nobody's turn. */
const pastsAtATime = 4;
/** So long nothing of what waits for it was taken: it does not read. */
const deafAfterMs = 10_000;
/** What was given out when the stream ends may still be read so long. */
const lastWordsMs = 5_000;

interface StreamRequest {
  readonly stopId: string | undefined;
  readonly lastEventId: string | undefined;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** Asked every second: a stream must not outlive the token or role that opened it. */
  readonly isStillPermitted: () => boolean;
  /** Ends the connection, unless all was written to it: what was queued for it is let go of. */
  readonly cutOff: () => void;
}

interface StreamTimes {
  readonly heartbeatMs?: number;
  readonly maxAgeMs?: number;
  readonly deafAfterMs?: number;
  readonly lastWordsMs?: number;
}

const pasts = new WeakMap<EventFeed, Turns>();

/**
 * One subscriber's stream. A proxy may swallow the end of a connection, so it says something every 15 s and ends after ten
 * minutes; the client reconnects with the last id. A client that does not read is cut off, connection and all, instead of kept in memory.
 */
export function streamEvents(
  feed: EventFeed,
  request: StreamRequest,
  times: StreamTimes = {},
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let unsubscribe: () => void = () => undefined;
  const timers: NodeJS.Timeout[] = [];
  let isOpen = true;
  let onRoom: (() => void) | undefined;
  const release = (): void => {
    isOpen = false;
    unsubscribe();
    for (const timer of timers) clearTimeout(timer);
    onRoom?.();
  };
  const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    let given = 0;
    let missedBytes = 0;
    const waiting = (): number => portionBytes - (controller.desiredSize ?? portionBytes);
    const end = (): void => {
      if (!isOpen) return;
      release();
      controller.close();
      setTimeout(request.cutOff, times.lastWordsMs ?? lastWordsMs).unref();
    };
    const cut = (): void => {
      if (!isOpen) return;
      end();
      request.cutOff();
    };
    const write = (bytes: Uint8Array): void => {
      if (!isOpen) return;
      given += bytes.byteLength;
      controller.enqueue(bytes);
    };
    const send = (text: string): void => write(encoder.encode(text));
    /** What comes while the past is still told: told after it, or the client would end with what is older. */
    let early: Uint8Array[] | undefined;
    const sendEvent = (event: FeedEvent): void => {
      if (request.stopId !== undefined && !concerns(event, request.stopId)) return;
      if (early !== undefined) missedBytes += event.frame.byteLength;
      if (waiting() + missedBytes > mostBehindBytes) return cut();
      if (early === undefined) write(event.frame);
      else early.push(event.frame);
    };
    const tellPast = async (): Promise<void> => {
      if (!isOpen) return;
      early = [];
      const missed = await feed.backlog({
        ...(request.lastEventId === undefined ? {} : { since: request.lastEventId }),
        ...(request.stopId === undefined ? {} : { stopId: request.stopId }),
      });
      for (const event of missed) {
        while (isOpen && waiting() > portionBytes) await new Promise<void>((resolve) => (onRoom = resolve));
        if (request.stopId === undefined || concerns(event, request.stopId)) write(event.frame);
      }
      for (const frame of early) write(frame);
      [early, missedBytes] = [undefined, 0];
    };
    const begin = async (): Promise<void> => {
      unsubscribe = await feed.subscribe(sendEvent);
      if (!isOpen) return unsubscribe();
      // From here on nothing is missed: the client may rely on that word.
      send('retry: 1000\nevent: hello\ndata: {}\n\n');
      if (request.lastEventId === undefined && request.stopId === undefined) return;
      const turns = pasts.get(feed) ?? createTurns(pastsAtATime);
      pasts.set(feed, turns);
      await turns.take(tellPast);
    };
    /** Whether anything was taken since the last look. */
    const watch = { taken: 0, since: performance.now() };
    const look = (): void => {
      if (!request.isStillPermitted()) return end();
      const [taken, now] = [given - waiting(), performance.now()];
      if (waiting() === 0 || taken > watch.taken) Object.assign(watch, { taken, since: now });
      else if (now - watch.since > (times.deafAfterMs ?? deafAfterMs)) cut();
    };
    if (request.signal.aborted) return end();
    request.signal.addEventListener('abort', end, { once: true });
    const everyMs = times.heartbeatMs ?? heartbeatMs;
    const bye = (): void => {
      send('event: bye\ndata: {}\n\n');
      end();
    };
    timers.push(
      setInterval(() => send(': alive\n\n'), everyMs),
      setInterval(look, Math.min(permissionEveryMs, everyMs)),
      setTimeout(bye, times.maxAgeMs ?? maxAgeMs),
    );
    begin().catch(end); // the store is away; the client comes back with its last id
  };
  return new ReadableStream<Uint8Array>(
    { start, pull: () => onRoom?.(), cancel: release },
    { highWaterMark: portionBytes, size: (chunk) => chunk.byteLength },
  );
}

function concerns(event: FeedEvent, stopId: string): boolean {
  const data = event.data;
  return typeof data === 'object' && data !== null && 'stopId' in data && data.stopId === stopId;
}
