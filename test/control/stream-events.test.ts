import { describe, expect, it } from 'vitest';
import { type EventFeed, type FeedEvent, feedEvent } from '../../src/control/events/event-feed.ts';
import { streamEvents } from '../../src/control/events/stream-events.ts';

describe('the stream to one client', () => {
  const listening = (more: Partial<Parameters<typeof streamEvents>[1]> = {}) => ({
    stopId: undefined,
    lastEventId: undefined,
    isStillPermitted: () => true,
    signal: new AbortController().signal,
    cutOff: () => undefined,
    ...more,
  });
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
    const text = await read(streamEvents(silent, listening(), { heartbeatMs: 5, maxAgeMs: 500 }));
    expect(text).toMatch(/^retry: 1000\nevent: hello\ndata: \{\}\n\n/);
    expect(text.match(/: alive\n\n/g)?.length).toBeGreaterThan(0);
    expect(text).toMatch(/event: bye\ndata: \{\}\n\n$/);
  });

  it('ends when the token that opened it is taken away', async () => {
    let isPermitted = true;
    const stream = streamEvents(silent, listening({ isStillPermitted: () => isPermitted }), { heartbeatMs: 5 });
    const reading = read(stream);
    isPermitted = false;
    expect(await reading).not.toContain('bye');
  });

  it('lets go of the feed when the client leaves', async () => {
    let open = 0;
    const counting: EventFeed = { ...silent, subscribe: async () => ((open += 1), () => void (open -= 1)) };
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    const leaving = new AbortController();
    const stream = streamEvents(counting, listening({ signal: leaving.signal }));
    await settled();
    expect(open).toBe(1);
    leaving.abort();
    expect(open).toBe(0);
    await read(stream);
    const cancelled = streamEvents(counting, listening());
    await settled();
    expect(open).toBe(1);
    await cancelled.cancel();
    expect(open).toBe(0);
  });

  /** A feed that says what it is told to. */
  const spoken = (backlog: () => Promise<readonly FeedEvent[]> = async () => []) => {
    const subscribers = new Set<(event: FeedEvent) => void>();
    const feed: EventFeed = {
      ...silent,
      backlog,
      subscribe: async (subscriber) => {
        subscribers.add(subscriber);
        return () => void subscribers.delete(subscriber);
      },
    };
    const say = (event: FeedEvent): void => subscribers.forEach((subscriber) => subscriber(event));
    return { feed, say, listeners: () => subscribers.size };
  };
  const numbered = (n: number, length = 2_000): FeedEvent =>
    feedEvent('2026-01-01T00:00:00Z', { name: 'stop', data: { n, text: 'x'.repeat(length) } });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('cuts off a client that does not read, connection and all, instead of keeping everything for it', async () => {
    const { feed, say, listeners } = spoken();
    let cuts = 0;
    streamEvents(feed, listening({ cutOff: () => void (cuts += 1) }));
    await turn(); // until it has subscribed
    for (let n = 0; n < 20_000 && listeners() > 0; n += 1) say(numbered(n));
    expect(listeners()).toBe(0);
    expect(cuts).toBe(1);
  });

  it('keeps for a client only as much of what it missed as it takes, and tells the news after that', async () => {
    let read = 0;
    const past = {
      *[Symbol.iterator]() {
        for (let n = 0; n < 5_000; n += 1) {
          read = n;
          yield numbered(n);
        }
      },
    };
    let known: () => void = () => undefined;
    const { feed, say } = spoken(async () => {
      await new Promise<void>((resolve) => (known = resolve));
      return past as unknown as readonly FeedEvent[]; // iterated over, and nothing else
    });
    const stream = streamEvents(feed, listening({ lastEventId: 'x' }), { maxAgeMs: 3_600_000 });
    await turn(); // until it has subscribed
    say(numbered(5_000)); // newer than what the ledger is about to say
    known();
    for (let n = 0; n < 20; n += 1) await turn();
    expect(read).toBeLessThan(100);
    const told: number[] = [];
    for await (const chunk of stream) {
      for (const [, n] of new TextDecoder().decode(chunk).matchAll(/"n":(\d+)/g)) told.push(Number(n));
      if (told.at(-1) === 5_000) break;
    }
    expect(told).toEqual(Array.from({ length: 5_001 }, (_, n) => n));
  });

  it('tells the past to a few at a time, and the news to all', async () => {
    let asked = 0;
    const { feed, say } = spoken(async () => {
      asked += 1;
      return new Promise(() => undefined); // a ledger that does not answer
    });
    const streams = Array.from({ length: 20 }, () => streamEvents(feed, listening({ lastEventId: 'x' })));
    await turn();
    expect(asked).toBe(4);
    say(numbered(7));
    const last = streams.at(-1)?.getReader();
    await last?.read(); // hello
    expect(new TextDecoder().decode((await last?.read())?.value)).toContain('"n":7');
    await Promise.all([last?.cancel(), ...streams.slice(0, -1).map((stream) => stream.cancel())]);
  });

  it('cuts off a client that takes nothing of what waits for it', async () => {
    const { feed, listeners } = spoken(async () => Array.from({ length: 100 }, (_, n) => numbered(n)));
    const cut = new Promise<void>((cutOff) => {
      streamEvents(feed, listening({ cutOff }), { heartbeatMs: 5, deafAfterMs: 20, lastWordsMs: 3_600_000 });
    });
    await cut;
    expect(listeners()).toBe(0);
  });

  it('ends the connection as well, soon after its last words', async () => {
    await new Promise<void>((cutOff) => {
      streamEvents(silent, listening({ cutOff }), { maxAgeMs: 5, lastWordsMs: 5 });
    });
  });
});
