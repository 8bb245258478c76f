import type { EventFeed, FeedEvent } from './event-feed.ts';

const heartbeatMs = 15_000;
const maxAgeMs = 10 * 60_000;
const mostQueued = 5_000;

interface StreamRequest {
  readonly stopId: string | undefined;
  readonly lastEventId: string | undefined;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
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
  let end: () => void = () => undefined;
  return new ReadableStream<Uint8Array>({
    start: async (controller) => {
      let isOpen = true;
      const send = (text: string): void => {
        if (!isOpen) return;
        if ((controller.desiredSize ?? 0) < -mostQueued) return end();
        controller.enqueue(encoder.encode(text));
      };
      const wanted = (event: FeedEvent): boolean => request.stopId === undefined || concerns(event, request.stopId);
      const unsubscribe = feed.subscribe((event) => {
        if (wanted(event)) send(format(event));
      });
      const beat = setInterval(() => send(': alive\n\n'), times.heartbeatMs ?? heartbeatMs);
      const age = setTimeout(() => {
        send('event: bye\ndata: {}\n\n');
        end();
      }, times.maxAgeMs ?? maxAgeMs);
      end = () => {
        if (!isOpen) return;
        isOpen = false;
        unsubscribe();
        clearInterval(beat);
        clearTimeout(age);
        controller.close();
      };
      request.signal.addEventListener('abort', () => end(), { once: true });
      send('retry: 1000\nevent: hello\ndata: {}\n\n');
      try {
        const missed = await feed.backlog({
          ...(request.lastEventId === undefined ? {} : { since: request.lastEventId }),
          ...(request.stopId === undefined ? {} : { stopId: request.stopId }),
        });
        for (const event of missed) if (wanted(event)) send(format(event));
      } catch {
        end(); // the store is away; the client comes back with its last id
      }
    },
    cancel: () => end(),
  });
}

/** JSON has no raw line break, so one data line holds it. */
const format = (event: FeedEvent): string =>
  `id: ${event.id}\nevent: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`;

function concerns(event: FeedEvent, stopId: string): boolean {
  const data = event.data;
  return typeof data === 'object' && data !== null && 'stopId' in data && data.stopId === stopId;
}
