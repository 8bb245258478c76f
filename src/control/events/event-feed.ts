import type { EventName } from '../../contract/http/events.ts';
import type { ChangesRequest } from '../../store/changes.ts';
import { createWake, type Wake } from './wake.ts';

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

/** What may have changed. */
export type Look = (request: ChangesRequest) => Promise<readonly ShownChange[]>;

interface FeedOptions {
  readonly now: () => Promise<string>;
  /** Each goes on by itself, so that none waits for another. */
  readonly looks: readonly [Look, ...Look[]];
  /** Calls back when the first of them is worth it at once. Asked while somebody listens; losing some costs a period. */
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
/** Longer than any transaction of ours may take: its rows carry times from before they could be seen. */
const overlapMs = 5_000;
const mostRemembered = 20_000;

/**
 * Looks at the ledger for all who listen, and none while nobody does. An event is sent when its text differs from the last of
 * the same key, so overlap costs reading and never a double. Nothing is remembered beyond this process: the ledger is the memory.
 */
export function createEventFeed(options: FeedOptions): EventFeed {
  const subscribers = new Set<Subscriber>();
  const sent = new Map<string, string>();
  let wakes: readonly Wake[] = [];
  let begun: Promise<void> | undefined;
  let closed = false;

  const publish = (at: string, changes: readonly ShownChange[], isNews: boolean): void => {
    for (const change of changes) {
      const text = JSON.stringify(change.data);
      if (sent.get(change.key) === text) continue;
      remember(sent, change.key, text);
      if (!isNews) continue;
      const event = feedEvent(at, change, text);
      for (const subscriber of subscribers) subscriber(event);
    }
  };
  /**
   * Where to go on from after an event is where the slowest of the looks has come to: what another of them has not told yet must not be
   * behind it. The first time a look tells what is no news.
   */
  const goOnFromNow = (isOver: () => boolean): readonly (() => Promise<void>)[] => {
    const since: (string | undefined)[] = options.looks.map(() => undefined);
    return options.looks.map((look, index) => async () => {
      const from = performance.now();
      // Asked beside the look, and so perhaps answered after it: what it took is taken off.
      const asked = options.now().then((at) => earlier(at, performance.now() - from));
      const before = since[index];
      const found = look({ since: earlier(before ?? (await asked), overlapMs) });
      const [at, changes] = await Promise.all([asked, found]);
      if (isOver()) return; // others look by now, and may have told newer things
      since[index] = before === undefined || at > before || wasSetBack(before, at) ? at : before;
      const slowest = since.reduce((one, other) => ((one ?? at) < (other ?? at) ? one : other));
      publish(slowest ?? at, changes, before !== undefined);
    });
  };
  /** Begun anew when nobody looked for a while; all looks end together, or whoever comes would hear of but some things. */
  const begin = async (): Promise<void> => {
    let isOver = false;
    const looks = goOnFromNow(() => isOver);
    await Promise.all(looks.map((look) => look()));
    const mine = options.looks.map(createWake);
    wakes = mine;
    const hints = options.hints?.(() => mine[0]?.up());
    const end = (): void => {
      isOver = true;
      begun = undefined;
      hints?.close();
    };
    const goOn = async (look: () => Promise<void>, wake: Wake | undefined): Promise<void> => {
      for (;;) {
        await wake?.wait(options.everyMs ?? everyMs);
        if (!isOver && (closed || subscribers.size === 0)) end();
        if (isOver) return;
        await look().catch(options.onFailure);
      }
    };
    for (const [index, look] of looks.entries()) goOn(look, mine[index]).catch(options.onFailure);
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
      const said = eventId === undefined ? undefined : decode(eventId);
      const from = said !== undefined && wasSetBack(said, at) ? at : said;
      if (from === undefined && stopId === undefined) return [];
      const request = {
        since: earlier(from ?? '1970-01-01T00:00:00Z', overlapMs),
        ...(stopId === undefined ? {} : { stopId }),
      };
      const found = await Promise.all(options.looks.map((look) => look(request)));
      return found.flat().map((change) => feedEvent(at, change));
    },
    listeners: () => subscribers.size,
    close: () => {
      closed = true;
      subscribers.clear();
      for (const wake of wakes) wake.up();
    },
  };
}

/** The clock of the store, between the two: what is written from then on carries the time that it has now, and would be told when the other has come again. */
const wasSetBack = (before: string, at: string): boolean => Date.parse(before) - Date.parse(at) > overlapMs;

/** JSON has no raw line break, so one data line holds it. */
export function feedEvent(
  at: string,
  { name, data }: Pick<ShownChange, 'name' | 'data'>,
  text = JSON.stringify(data),
): FeedEvent {
  const id = encode(at);
  return { id, name, data, frame: Buffer.from(`id: ${id}\nevent: ${name}\ndata: ${text}\n\n`) };
}

const earlier = (at: string, ms: number): string => new Date(Date.parse(at) - ms).toISOString();
const encode = (at: string): string => Buffer.from(at).toString('base64url');

export const isEventId = (id: string): boolean => decode(id) !== undefined;

/** Undefined for what is no id of ours: then there is nothing to go on from. */
function decode(id: string): string | undefined {
  const at = Buffer.from(id, 'base64url').toString();
  if (encode(at) !== id || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(at)) return undefined;
  return Number.isNaN(Date.parse(at)) ? undefined : at;
}

function remember(sent: Map<string, string>, key: string, text: string): void {
  sent.delete(key);
  sent.set(key, text);
  const oldest = sent.size > mostRemembered ? sent.keys().next() : undefined;
  if (oldest?.value !== undefined) sent.delete(oldest.value);
}
