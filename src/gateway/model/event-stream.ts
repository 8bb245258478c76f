import { EventBytes, type SplitEvents } from '../http/event-bytes.ts';

/** Server-sent events as bytes: what is not ours to change leaves as it came, each with the empty line that ends it. */
export const rawEventBytes = (): EventBytes => new EventBytes(splitRaw, /\n\r?\n|\r\r/);

function splitRaw(bytes: Buffer): SplitEvents {
  const text = bytes.toString('latin1'); // one character per byte
  const events: Buffer[] = [];
  let begin = 0;
  for (const boundary of text.matchAll(/\r\n\r\n|\n\n|\r\r/g)) {
    const end = boundary.index + boundary[0].length;
    events.push(bytes.subarray(begin, end));
    begin = end;
  }
  return { events, tail: bytes.subarray(begin) };
}

/** The data of one event, parsed; undefined for a comment, for `[DONE]` and for what is not JSON. */
export function dataOf(event: Buffer): unknown {
  const lines = event.toString('utf8').split(/\r\n|\n|\r/);
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, ''));
  if (data.length === 0) return undefined;
  try {
    return JSON.parse(data.join('\n'));
  } catch {
    return undefined;
  }
}
