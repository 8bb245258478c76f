import type { EventFeed, FeedEvent } from './event-feed.ts';

const heartbeatMs = 15_000;
/** A role that was taken away has to bite within 5 s, in streams as well. */
const permissionEveryMs = 1_000;
const maxAgeMs = 10 * 60_000;
const mostQueued = 5_000;

interface StreamRequest {
  readonly stopId: string | undefined;
  readonly lastEventId: string | undefined;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** Asked every second: a stream must not outlive the token or role that opened it. */
  readonly isStillPermitted: () => boolean;
}

interface StreamTimes {
  readonly heartbeatMs?: number;
  readonly maxAgeMs?: number;
}

/**
 * One subscriber's stream. A proxy may swallow the end of a connection, so it says something every 15 s and ends after ten
 * minutes; the client reconnects with the last id. A client that does not read is cut off instead of kept in memory.
 */
export function streamEvents(
  feed: EventFeed,
  request: StreamRequest,
  times: StreamTimes = {},
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let unsubscribe: () => void = () => undefined;
  let beat: NodeJS.Timeout | undefined;
  let look: NodeJS.Timeout | undefined;
  let age: NodeJS.Timeout | undefined;
  let isOpen = true;
  const release = (): void => {
    isOpen = false;
    unsubscribe();
    clearInterval(beat);
    clearInterval(look);
    clearTimeout(age);
  };
  return new ReadableStream<Uint8Array>({
    start: async (controller) => {
      const end = (): void => {
        if (!isOpen) return;
        release();
        controller.close();
      };
      const write = (bytes: Uint8Array): void => {
        if (!isOpen) return;
        if ((controller.desiredSize ?? 0) < -mostQueued) return end();
        controller.enqueue(bytes);
      };
      const send = (text: string): void => write(encoder.encode(text));
      const sendEvent = (event: FeedEvent): void => {
        if (request.stopId === undefined || concerns(event, request.stopId)) write(event.frame);
      };
      if (request.signal.aborted) return end();
      request.signal.addEventListener('abort', end, { once: true });
      const everyMs = times.heartbeatMs ?? heartbeatMs;
      beat = setInterval(() => send(': alive\n\n'), everyMs);
      look = setInterval(
        () => {
          if (!request.isStillPermitted()) end();
        },
        Math.min(permissionEveryMs, everyMs),
      );
      age = setTimeout(() => {
        send('event: bye\ndata: {}\n\n');
        end();
      }, times.maxAgeMs ?? maxAgeMs);
      try {
        const leave = await feed.subscribe(sendEvent);
        if (!isOpen) return leave();
        unsubscribe = leave;
        // From here on nothing is missed: the client may rely on that word.
        send('retry: 1000\nevent: hello\ndata: {}\n\n');
        const missed = await feed.backlog({
          ...(request.lastEventId === undefined ? {} : { since: request.lastEventId }),
          ...(request.stopId === undefined ? {} : { stopId: request.stopId }),
        });
        for (const event of missed) sendEvent(event);
      } catch {
        end(); // the store is away; the client comes back with its last id
      }
    },
    cancel: release,
  });
}

function concerns(event: FeedEvent, stopId: string): boolean {
  const data = event.data;
  return typeof data === 'object' && data !== null && 'stopId' in data && data.stopId === stopId;
}
