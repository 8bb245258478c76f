import { describe, expect, it } from 'vitest';
import { createEventFeed, type FeedEvent } from '../../src/control/events/event-feed.ts';

describe('the feed', () => {
  it('looks at the ledger only while somebody listens, and sends a state once', async () => {
    let looks = 0;
    let state = 'a';
    const feed = createEventFeed({
      now: async () => new Date().toISOString(),
      looks: [
        async () => {
          looks += 1;
          return [{ name: 'stop', key: 'one', data: { state } }];
        },
      ],
      onFailure: () => undefined,
      everyMs: 2,
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks).toBe(0);
    const heard: unknown[] = [];
    const leave = await feed.subscribe((event) => heard.push(event.data));
    const untilLooked = async (count: number): Promise<void> => {
      while (looks < count) await new Promise((resolve) => setTimeout(resolve, 2));
    };
    await untilLooked(3);
    expect(heard).toEqual([]); // what was there before is not news
    state = 'b';
    await untilLooked(looks + 3);
    expect(heard).toEqual([{ state: 'b' }]);
    leave();
    await new Promise((resolve) => setTimeout(resolve, 10));
    const after = looks;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks).toBe(after);
    feed.close();
  });

  it('looks at once when it is given a hint, and asks for hints only while somebody listens', async () => {
    let hint: (() => void) | undefined;
    let state = 'a';
    const feed = createEventFeed({
      now: async () => new Date().toISOString(),
      looks: [async () => [{ name: 'stop', key: 'one', data: { state } }]],
      hints: (onHint) => {
        hint = onHint;
        return { close: () => (hint = undefined) };
      },
      onFailure: () => undefined,
      everyMs: 3_600_000, // never, as far as this test is concerned
    });
    const heard: unknown[] = [];
    let onEvent: () => void = () => undefined;
    const leave = await feed.subscribe((event) => {
      heard.push(event.data);
      onEvent();
    });
    expect(hint).toBeDefined();
    for (const next of ['b', 'c']) {
      await new Promise((resolve) => setTimeout(resolve, 50)); // it rests a little after a look; then it waits for the hint alone
      const told = new Promise<void>((resolve) => {
        onEvent = resolve;
      });
      state = next;
      hint?.();
      await told;
    }
    expect(heard).toEqual([{ state: 'b' }, { state: 'c' }]);
    leave();
    hint?.();
    for (let n = 0; hint !== undefined && n < 1_000; n += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(hint).toBeUndefined();
    feed.close();
  });

  it('the news of one look waits for no other, and whoever goes on from it misses nothing that the other has yet to tell', async () => {
    let clock = Date.parse('2026-01-01T00:00:00Z');
    let state = 'a';
    let hangs = false;
    let free: () => void = () => undefined;
    const feed = createEventFeed({
      now: async () => new Date((clock += 60_000)).toISOString(),
      looks: [
        async () => [{ name: 'stop', key: 'stop', data: { state } }],
        async () => {
          const seen = { state };
          if (hangs)
            await new Promise<void>((resolve) => {
              free = resolve;
            });
          return [{ name: 'task', key: 'task', data: seen }];
        },
      ],
      onFailure: () => undefined,
      everyMs: 2,
    });
    const heard: FeedEvent[] = [];
    const leave = await feed.subscribe((event) => heard.push(event));
    const until = async (found: () => boolean): Promise<void> => {
      for (let n = 0; !found() && n < 1_000; n += 1) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(found()).toBe(true);
    };
    const isHeard = (name: string, seen: string): boolean =>
      heard.some((event) => event.name === name && JSON.stringify(event.data) === JSON.stringify({ state: seen }));
    hangs = true;
    const hangsSince = clock;
    await new Promise((resolve) => setTimeout(resolve, 20));
    state = 'b';
    await until(() => isHeard('stop', 'b'));
    expect(isHeard('task', 'b')).toBe(false);
    // The other look began no later than now: from there on it has told nothing.
    const goesOnFrom = Date.parse(Buffer.from(heard.at(-1)?.id ?? '', 'base64url').toString());
    expect(goesOnFrom).toBeLessThanOrEqual(hangsSince);
    expect(clock).toBeGreaterThan(goesOnFrom);
    hangs = false;
    free();
    await until(() => isHeard('task', 'b'));
    leave();
    feed.close();
  });

  /** From when on it looks the second time, and what the store had said of the first. */
  const secondLook = async (tellTime: () => Promise<string>): Promise<{ from: number; said: number }> => {
    const [asked, said]: [string[], string[]] = [[], []];
    const feed = createEventFeed({
      now: async () => {
        const at = await tellTime();
        said.push(at);
        return at;
      },
      looks: [
        async ({ since }) => {
          asked.push(since);
          return [];
        },
      ],
      onFailure: () => undefined,
      everyMs: 2,
    });
    const leave = await feed.subscribe(() => undefined);
    while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    leave();
    feed.close();
    return { from: Date.parse(asked[1] ?? ''), said: Date.parse(said[0] ?? '') };
  };

  it('goes on from the time that the store has now, though its clock was set back: what is new carries that time', async () => {
    let clock = Date.parse('2026-01-01T12:00:00Z');
    const asked: number[] = [];
    const feed = createEventFeed({
      now: async () => new Date(clock).toISOString(),
      looks: [
        async ({ since }) => {
          asked.push(Date.parse(since));
          return [];
        },
      ],
      onFailure: () => undefined,
      everyMs: 2,
    });
    const leave = await feed.subscribe(() => undefined);
    const untilAsked = async (times: number): Promise<void> => {
      for (const until = asked.length + times; asked.length < until; )
        await new Promise((resolve) => setTimeout(resolve, 2));
    };
    await untilAsked(2);
    const before = clock;
    clock -= 600_000;
    await untilAsked(3);
    expect(asked.at(-1)).toBeLessThanOrEqual(clock);
    // Whoever comes back with an event from before is told what came after it was set, and not what comes in ten minutes.
    const id = Buffer.from(new Date(before).toISOString()).toString('base64url');
    await feed.backlog({ since: id });
    expect(asked).toContain(clock - 5_000);
    leave();
    feed.close();
  });

  it('takes what the store needed to say its time off that time, since what is read may be from before', async () => {
    const { from, said } = await secondLook(async () => {
      await new Promise((resolve) => setTimeout(resolve, 40));
      return new Date().toISOString();
    });
    expect(said - from).toBeGreaterThanOrEqual(5_030);
  });

  it('goes on after the ledger could not be read', async () => {
    let failures = 0;
    let isAway = false;
    let state = 'a';
    const feed = createEventFeed({
      now: async () => new Date().toISOString(),
      looks: [
        async () => {
          if (isAway) throw new Error('away');
          return [{ name: 'stop', key: 'one', data: { state } }];
        },
      ],
      onFailure: () => {
        failures += 1;
        isAway = failures < 3;
      },
      everyMs: 2,
    });
    const heard: unknown[] = [];
    await feed.subscribe((event) => heard.push(event.data));
    isAway = true;
    state = 'b';
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect([failures, heard]).toEqual([3, [{ state: 'b' }]]);
    feed.close();
  });

  it('looks back further than any transaction lasts, for rows that carry a time from before they could be seen', async () => {
    const { from, said } = await secondLook(async () => new Date().toISOString());
    expect(said - from).toBeGreaterThanOrEqual(5_000);
  });

  it('lets nobody in while the ledger cannot be read, and everybody afterwards', async () => {
    let isAway = true;
    const feed = createEventFeed({
      now: async () => new Date().toISOString(),
      looks: [
        async () => {
          if (isAway) throw new Error('away');
          return [];
        },
      ],
      onFailure: () => undefined,
      everyMs: 2,
    });
    await expect(feed.subscribe(() => undefined)).rejects.toThrow('away');
    isAway = false;
    (await feed.subscribe(() => undefined))();
    feed.close();
  });
});
