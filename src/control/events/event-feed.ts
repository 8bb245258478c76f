import { setTimeout as pause } from 'node:timers/promises';
import type { EventName } from '../../contract/http/events.ts';
import type { Changes, ChangesRequest } from '../../store/changes.ts';

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

interface FeedOptions {
  readonly now: () => Promise<string>;
  readonly changes: (request: ChangesRequest) => Promise<Changes>;
  readonly show: (changes: Changes) => Promise<readonly ShownChange[]>;
  readonly onFailure: (thrown: unknown) => void;
  readonly everyMs?: number;
}

export interface ShownChange {
  readonly name: EventName;
  /** What it is about; a later event of the same key replaces an earlier one. */
  readonly key: string;
  readonly data: unknown;
}

/** So that a watcher hears within a quarter of a second, the look itself included. */
const everyMs = 150;
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

  const look = async (): Promise<void> => {
    const at = await options.now();
    const isFirst = since === undefined;
    const changes = await options.show(await options.changes({ since: earlier(since ?? at) }));
    since = at;
    for (const change of changes) {
      const text = JSON.stringify(change.data);
      if (sent.get(change.key) === text) continue;
      remember(sent, change.key, text);
      if (isFirst) continue;
      const event = feedEvent(at, change, text);
      for (const subscriber of subscribers) subscriber(event);
    }
  };
  const loop = async (): Promise<void> => {
    try {
      while (!closed && subscribers.size > 0) {
        await pause(options.everyMs ?? everyMs);
        await look().catch(options.onFailure);
      }
    } finally {
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
      const changes = await options.changes({
        since: earlier(from ?? '1970-01-01T00:00:00Z'),
        ...(stopId === undefined ? {} : { stopId }),
      });
      return (await options.show(changes)).map((change) => feedEvent(at, change));
    },
    listeners: () => subscribers.size,
    close: () => {
      closed = true;
      subscribers.clear();
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

const earlier = (at: string): string => new Date(Date.parse(at) - overlapMs).toISOString();
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
