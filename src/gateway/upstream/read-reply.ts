import type { IncomingMessage } from 'node:http';
import { EstopError } from '../../core/errors.ts';
import { deferred } from '../deferred.ts';

export type UpstreamReply =
  | { readonly kind: 'result'; readonly result: Readonly<Record<string, unknown>> }
  /** A JSON-RPC error: the upstream understood the request and refuses it. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  | { readonly kind: 'garbage'; readonly why: string };

export const largestReply = 4 * 1024 * 1024;
/** An event stream is left this long to end after its answer, so that its socket can be used again. */
const lingerMs = 1_000;

/** Reads the one answer to `callId`, from a JSON body or from an event stream. Rejects only if the connection ends early. */
export function readReply(response: IncomingMessage, callId: string): Promise<UpstreamReply> {
  const type = (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const status = response.statusCode ?? 0;
  const { promise, resolve, reject } = deferred<UpstreamReply>();
  const chunks: Buffer[] = [];
  let size = 0;
  let tail: Buffer = Buffer.alloc(0);

  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > largestReply) {
      resolve({ kind: 'garbage', why: 'its answer is too large' });
      response.destroy();
      return;
    }
    if (type !== 'text/event-stream') {
      chunks.push(chunk);
      return;
    }
    const split = splitEvents(Buffer.concat([tail, chunk]));
    tail = split.tail;
    // Other messages (progress, logs, questions to the client) are dropped: the agent gets the answer alone.
    for (const event of split.events) {
      const reply = replyIn(event, callId);
      if (reply !== undefined) {
        resolve(reply);
        setTimeout(() => response.destroy(), lingerMs).unref();
      }
    }
  });
  response.once('end', () => {
    const body = type === 'application/json' ? replyIn(Buffer.concat(chunks), callId) : undefined;
    resolve(body ?? { kind: 'garbage', why: `it answered ${status} without an answer to this call` });
  });
  response.once('error', (cause) => reject(new EstopError('upstream-unavailable', { cause })));
  response.once('close', () => {
    if (!response.complete) reject(new EstopError('upstream-unavailable'));
  });
  return promise;
}

/** The data of every complete event, and what follows the last one. Lines end in LF or CRLF. */
export function splitEvents(bytes: Buffer): { readonly events: readonly Buffer[]; readonly tail: Buffer } {
  const text = bytes.toString('latin1'); // one character per byte: no character of UTF-8 is split
  const events: Buffer[] = [];
  let begin = 0;
  for (const boundary of text.matchAll(/\r?\n\r?\n/g)) {
    const lines = text.slice(begin, boundary.index).split(/\r?\n/);
    const data = lines
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5));
    if (data.length > 0) events.push(Buffer.from(data.join('\n'), 'latin1'));
    begin = boundary.index + boundary[0].length;
  }
  return { events, tail: bytes.subarray(begin) };
}

/** Lenient: an answer is not hashed and not approved, it is passed on. */
function replyIn(bytes: Buffer, callId: string): UpstreamReply | undefined {
  let message: unknown;
  try {
    message = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { kind: 'garbage', why: 'its answer is not JSON' };
  }
  if (!isRecord(message) || message['id'] !== callId || 'method' in message) return undefined;
  const { result, error } = message;
  if (isRecord(result)) return { kind: 'result', result };
  if (isRecord(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string') {
    return { kind: 'error', code: error['code'], message: error['message'] };
  }
  return { kind: 'garbage', why: 'its answer is neither a result nor an error' };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
