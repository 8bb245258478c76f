import type { IncomingMessage } from 'node:http';
import { isRecord } from '../upstream/read-reply.ts';
import type { DialectName } from './dialect.ts';
import { dataOf, rawEventBytes } from './event-stream.ts';
import type { ClientStream } from './model-client.ts';
import { untilSilent } from './read-answer.ts';
import { isEnd } from './stream-end.ts';
import { type Usage, usageInEvent } from './usage.ts';

interface Relay {
  readonly incoming: IncomingMessage;
  readonly client: ClientStream;
  readonly dialect: DialectName;
  /** Whether the client asked for usage: if not, what we asked for in its name is taken out. */
  readonly wantsUsage: boolean;
  readonly key: string;
  readonly silenceMs: number;
  /** Asked in the tick of every write. */
  readonly mayGoOn: () => boolean;
}

export interface Relayed {
  readonly whole: boolean;
  readonly usage: Partial<Usage>;
}

const largestEvent = 4 * 1024 * 1024;
const largestStream = 128 * 1024 * 1024;

/**
 * Passes a stream on event by event, unchanged. Between the fence's word and a write there is no await.
 * rule: fence-before-answer, check-and-write-one-tick
 */
export async function relayStream(relay: Relay): Promise<Relayed> {
  const { incoming, client, dialect, mayGoOn, silenceMs } = relay;
  let usage: Partial<Usage> = {};
  const coming = rawEventBytes();
  let size = 0;
  let ended = false;
  try {
    for await (const chunk of untilSilent(incoming, silenceMs)) {
      size += chunk.length;
      const events = coming.add(chunk);
      if (coming.size > largestEvent || size > largestStream) return { whole: false, usage };
      const out: Buffer[] = [];
      for (const event of events) {
        if (holdsKey(event, relay.key)) return { whole: false, usage };
        ended ||= isEnd(dialect, event);
        const data = event.includes('usage') ? dataOf(event) : undefined;
        usage = { ...usage, ...usageInEvent(dialect, data) };
        const left = relay.wantsUsage ? event : withoutUsage(event, data);
        if (left !== undefined) out.push(left);
      }
      if (!mayGoOn()) return { whole: false, usage };
      if (out.length > 0 && !client.write(Buffer.concat(out))) await client.drained();
    }
    const tail = coming.rest();
    if (holdsKey(tail, relay.key) || !mayGoOn()) return { whole: false, usage };
    if (tail.length > 0) client.write(tail);
    return { whole: ended || isEnd(dialect, tail), usage };
  } catch {
    return { whole: false, usage };
  }
}

/** As it is, and as JSON may spell it: some escape every slash. In other letters than these nobody writes it who means no harm. */
export function holdsKey(bytes: Buffer, key: string): boolean {
  if (key.length < shortestKey) return false;
  const spelled = JSON.stringify(key).slice(1, -1);
  return [key, spelled, spelled.replaceAll('/', '\\/')].some((one) => bytes.includes(one));
}
/** Shorter than any real key: a word that stands in its place, where a model needs none, must not break answers. */
const shortestKey = 16;

/** Undefined: the event told nothing else. */
function withoutUsage(event: Buffer, data: unknown): Buffer | undefined {
  if (!isRecord(data) || !('usage' in data)) return event;
  const { usage, choices } = data;
  if (isRecord(usage) && Array.isArray(choices) && choices.length === 0) return undefined;
  const { usage: _ours, ...rest } = data;
  return Buffer.from(`data: ${JSON.stringify(rest)}\n\n`);
}
