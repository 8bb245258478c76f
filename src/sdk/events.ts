import { setTimeout as pause } from 'node:timers/promises';
import { lastEventIdHeader, notAnEvent } from '../contract/event-id.ts';
import type { EventName } from '../contract/http/events.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { readProblem } from './read-problem.ts';
import { readServerSentEvents } from './server-sent-events.ts';
import { whyNot } from './transport.ts';

export interface EstopEvent {
  readonly id: string;
  readonly name: EventName;
  /** The state of the thing named, as GET would answer it. */
  readonly data: unknown;
}

interface StreamOptions {
  readonly stop?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where to go on after a break. */
  readonly lastEventId?: string | undefined;
  /** Hears whether the stream is open; while it is not, what was heard before grows old. What it then throws ends the stream. */
  readonly onConnection?: (state: { readonly open: true } | { readonly open: false; readonly why: unknown }) => void;
}

export interface Events {
  /** Reconnects by itself, from where it was. An event carries state, so one that comes twice does no harm. */
  stream(options?: StreamOptions): AsyncGenerator<EstopEvent, void, undefined>;
}

const reconnectMs = 1_000;
/** The server sends something every 15 s; a stream that is silent for longer is half open. */
const silenceMs = 40_000;

export function createEvents(options: {
  readonly token: string;
  readonly fetch: typeof fetch;
  readonly baseUrl: string;
}): Events {
  const open = async (query: StreamOptions, lastId: string | undefined, signal: AbortSignal): Promise<Response> => {
    const url = new URL('/v1/events', options.baseUrl);
    if (query.stop !== undefined) url.searchParams.set('stop', query.stop);
    const headers = {
      authorization: `Bearer ${options.token}`,
      accept: 'text/event-stream',
      ...(lastId === undefined ? {} : { [lastEventIdHeader]: lastId }),
    };
    let response: Response;
    try {
      response = await options.fetch(url, { headers, signal, redirect: 'error' });
    } catch (cause) {
      throw new EstopError('unreachable', { detail: `${url.origin}: ${whyNot(cause, signal.aborted)}`, cause });
    }
    if (!response.ok) throw readProblem(response, await response.text());
    return response;
  };
  return {
    stream: async function* (query = {}) {
      let lastId = query.lastEventId;
      // What no header can carry would pass for a server that is away, for ever.
      if (lastId !== undefined && !/^[\w-]+$/.test(lastId)) throw notAnEvent();
      const hasLeft = (): boolean => query.signal?.aborted === true;
      while (!hasLeft()) {
        const silence = new AbortController();
        const timer = setTimeout(() => silence.abort(), silenceMs);
        const signal = query.signal === undefined ? silence.signal : AbortSignal.any([query.signal, silence.signal]);
        try {
          const response = await open(query, lastId, signal);
          query.onConnection?.({ open: true });
          for await (const event of readServerSentEvents(response.body ?? emptyBody())) {
            timer.refresh();
            if (event.id !== '') lastId = event.id;
            if (event.name === 'hello' || event.name === 'bye' || event.data === '') continue;
            yield { id: event.id, name: event.name as EventName, data: JSON.parse(event.data) }; // the server's names are the contract
          }
        } catch (thrown) {
          if (isFinal(thrown)) throw thrown;
          if (!hasLeft()) query.onConnection?.({ open: false, why: thrown });
        } finally {
          clearTimeout(timer);
          silence.abort();
        }
        await pause(reconnectMs, undefined, { signal: query.signal }).catch(() => undefined);
      }
    },
  };
}

/** A refusal will be the same the next time; a broken line will not. */
function isFinal(thrown: unknown): boolean {
  const code = errorCodeOf(thrown);
  return code !== 'internal' && code !== 'unreachable' && code !== 'store-unavailable';
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
