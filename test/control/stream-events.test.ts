import { describe, expect, it } from 'vitest';
import { type EventFeed, type FeedEvent, feedEvent } from '../../src/control/events/event-feed.ts';
import { streamEvents } from '../../src/control/events/stream-events.ts';

describe('the stream to one client', () => {
  const always = (): boolean => true;
  const silent: EventFeed = {
    subscribe: async () => () => undefined,
    backlog: async () => [],
    listeners: () => 0,
    close: () => undefined,
  };
  const read = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
    let text = '';
    for await (const chunk of stream) text += new TextDecoder().decode(chunk);
    return text;
  };

  it('says something while nothing happens, and ends itself after its age', async () => {
    const text = await read(
      streamEvents(
        silent,
        { stopId: undefined, lastEventId: undefined, isStillPermitted: always, signal: new AbortController().signal },
        { heartbeatMs: 5, maxAgeMs: 500 },
      ),
    );
    expect(text).toMatch(/^retry: 1000\nevent: hello\ndata: \{\}\n\n/);
    expect(text.match(/: alive\n\n/g)?.length).toBeGreaterThan(0);
    expect(text).toMatch(/event: bye\ndata: \{\}\n\n$/);
  });

  it('ends when the token that opened it is taken away', async () => {
    let isPermitted = true;
    const stream = streamEvents(
      silent,
      {
        stopId: undefined,
        lastEventId: undefined,
        isStillPermitted: () => isPermitted,
        signal: new AbortController().signal,
      },
      { heartbeatMs: 5 },
    );
    const reading = read(stream);
    isPermitted = false;
    expect(await reading).not.toContain('bye');
  });

  it('lets go of the feed when the client leaves', async () => {
    let open = 0;
    const counting: EventFeed = { ...silent, subscribe: async () => ((open += 1), () => void (open -= 1)) };
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    const leaving = new AbortController();
    const stream = streamEvents(counting, {
      stopId: undefined,
      lastEventId: undefined,
      isStillPermitted: always,
      signal: leaving.signal,
    });
    await settled();
    expect(open).toBe(1);
    leaving.abort();
    expect(open).toBe(0);
    await read(stream);
    const cancelled = streamEvents(counting, {
      stopId: undefined,
      lastEventId: undefined,
      isStillPermitted: always,
      signal: new AbortController().signal,
    });
    await settled();
    expect(open).toBe(1);
    await cancelled.cancel();
    expect(open).toBe(0);
  });

  it('cuts off a client that does not read, instead of keeping everything for it', async () => {
    let push: (event: FeedEvent) => void = () => undefined;
    let open = 0;
    const flooding: EventFeed = {
      ...silent,
      subscribe: async (subscriber) => {
        push = subscriber;
        open += 1;
        return () => void (open -= 1);
      },
    };
    streamEvents(flooding, {
      stopId: undefined,
      lastEventId: undefined,
      isStillPermitted: always,
      signal: new AbortController().signal,
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(open).toBe(1);
    for (let n = 0; n < 10_000 && open > 0; n += 1)
      push(feedEvent('2026-01-01T00:00:00Z', { name: 'stop', data: { n } }));
    expect(open).toBe(0);
  });
});
