import { setTimeout as pause } from 'node:timers/promises';
import type { EventName } from '../../contract/http/events.ts';
import type { ChangesRequest } from '../../store/changes.ts';

export interface FeedEvent {
  /** The store's time of the look that saw it, as an opaque word. */
  readonly id: string;
  readonly name: EventName;
  readonly data: unknown;
  /** As it goes over the wire: written once, however many listen. */
  readonly frame: Uint8Array;
}

export type Subscriber = (event: FeedEvent) => void;

export interface EventFeed {
  /** Once resolved, every change from then on is heard, until the returned function is called. Throws if the ledger cannot be read. */
  subscribe(subscriber: Subscriber): Promise<() => void>;
  /** What may have changed since that event, or the present state of one stop: sent once, before the rest. */
  backlog(request: { readonly since?: string; readonly stopId?: string }): Promise<readonly FeedEvent[]>;
  /** How many listen now. */
  listeners(): number;
  close(): void;
}

/** In portions, in the order in which they are to be heard. */
export type Tell = (changes: readonly ShownChange[]) => Promise<void>;

interface FeedOptions {
  readonly now: () => Promise<string>;
  /** Tells what may have changed. */
  readonly look: (request: ChangesRequest, tell: Tell) => Promise<void>;
  /** Calls back when a look at once is worth it. Asked while somebody listens; losing some costs a period. */
  readonly hints?: (onHint: () => void) => { close(): void };
  readonly onFailure: (thrown: unknown) => void;
  readonly everyMs?: number;
}

export interface ShownChange {
  readonly name: EventName;
  /** What it is about; a later event of the same key replaces an earlier one. */
  readonly key: string;
  readonly data: unknown;
}

/** So that a watcher hears within a quarter of a second, the look itself included. Of a stop the hint comes sooner. */
const everyMs = 150;
/** However many hints come, so long is nothing looked at. */
const restMs = 20;
/** Longer than any transaction of ours may take: its rows carry times from before they could be seen. */
const overlapMs = 5_000;
const mostRemembered = 20_000;

/**
 * One look at the ledger for all who listen, and none while nobody does. An event is sent when its text differs from the last of
 * the same key, so overlap costs reading and never a double. Nothing is remembered beyond this process: the ledger is the memory.
 */
export function createEventFeed(options: FeedOptions): EventFeed {
  const subscribers = new Set<Subscriber>();
  const sent = new Map<string, string>();
  let since: string | undefined;
  let begun: Promise<void> | undefined;
  let closed = false;
  const wake = createWake();

  const look = async (): Promise<void> => {
    const begun = performance.now();
    // Asked beside the look, and so perhaps answered after it: what it took is taken off.
    const asked = options.now().then((at) => earlier(at, performance.now() - begun));
    const isFirst = since === undefined;
    const told = options.look({ since: earlier(since ?? (await asked), overlapMs) }, async (changes) => {
      const at = await asked;
      for (const change of changes) {
        const text = JSON.stringify(change.data);
        if (sent.get(change.key) === text) continue;
        remember(sent, change.key, text);
        if (isFirst) continue;
        const event = feedEvent(at, change, text);
        for (const subscriber of subscribers) subscriber(event);
      }
    });
    [since] = await Promise.all([asked, told]);
  };
  const loop = async (): Promise<void> => {
    const hints = options.hints?.(wake.up);
    try {
      for (;;) {
        await wake.wait(options.everyMs ?? everyMs);
        if (closed || subscribers.size === 0) return;
        await look().catch(options.onFailure);
      }
    } finally {
      hints?.close();
      begun = undefined;
    }
  };
  /** The first look tells what is no news. It is made anew when nobody looked for a while. */
  const begin = async (): Promise<void> => {
    since = undefined;
    await look();
    loop().catch(options.onFailure);
  };
  return {
    subscribe: async (subscriber) => {
      subscribers.add(subscriber);
      begun ??= begin();
      try {
        await begun;
      } catch (thrown) {
        subscribers.delete(subscriber);
        begun = undefined;
        throw thrown;
      }
      return () => void subscribers.delete(subscriber);
    },
    backlog: async ({ since: eventId, stopId }) => {
      const at = await options.now();
      const from = eventId === undefined ? undefined : decode(eventId);
      if (from === undefined && stopId === undefined) return [];
      const found: FeedEvent[] = [];
      const request = {
        since: earlier(from ?? '1970-01-01T00:00:00Z', overlapMs),
        ...(stopId === undefined ? {} : { stopId }),
      };
      await options.look(request, async (changes) => {
        found.push(...changes.map((change) => feedEvent(at, change)));
      });
      return found;
    },
    listeners: () => subscribers.size,
    close: () => {
      closed = true;
      subscribers.clear();
      wake.up();
    },
  };
}

/** JSON has no raw line break, so one data line holds it. */
export function feedEvent(
  at: string,
  { name, data }: Pick<ShownChange, 'name' | 'data'>,
  text = JSON.stringify(data),
): FeedEvent {
  const id = encode(at);
  return { id, name, data, frame: Buffer.from(`id: ${id}\nevent: ${name}\ndata: ${text}\n\n`) };
}

/** Waits for a call or for so long, and a little in any case. What came since it last waited counts as a call. */
function createWake(): { readonly up: () => void; readonly wait: (ms: number) => Promise<void> } {
  let isUp = false;
  let rouse: (() => void) | undefined;
  return {
    up: () => {
      isUp = true;
      rouse?.();
    },
    wait: async (ms) => {
      await pause(Math.min(restMs, ms));
      if (!isUp && ms > restMs) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms - restMs);
          rouse = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        rouse = undefined;
      }
      isUp = false;
    },
  };
}

const earlier = (at: string, ms: number): string => new Date(Date.parse(at) - ms).toISOString();
const encode = (at: string): string => Buffer.from(at).toString('base64url');

/** Undefined for what is no id of ours: then there is nothing to go on from. */
function decode(id: string): string | undefined {
  const at = Buffer.from(id, 'base64url').toString();
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(at) && !Number.isNaN(Date.parse(at)) ? at : undefined;
}

function remember(sent: Map<string, string>, key: string, text: string): void {
  sent.delete(key);
  sent.set(key, text);
  const oldest = sent.size > mostRemembered ? sent.keys().next() : undefined;
  if (oldest?.value !== undefined) sent.delete(oldest.value);
}
