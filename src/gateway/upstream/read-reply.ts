import type { IncomingMessage } from 'node:http';
import { GatheredBytes } from '../../contract/gathered-bytes.ts';
import { EstopError } from '../../core/errors.ts';
import { deferred } from '../deferred.ts';
import { bufferOf } from '../http/buffer-of.ts';
import { EventBytes, type SplitEvents } from '../http/event-bytes.ts';
import { holdsSecret } from './holds-secret.ts';
import type { OnMessage, UpstreamMessage } from './prepared.ts';

export type UpstreamReply =
  | { readonly kind: 'result'; readonly result: Readonly<Record<string, unknown>> }
  /** A JSON-RPC error: the upstream understood the request and refuses it. */
  | {
      readonly kind: 'error';
      readonly code: number;
      readonly message: string;
      readonly data?: unknown;
      readonly status: number;
    }
  | { readonly kind: 'garbage'; readonly why: string; readonly status?: number };

/** Of one message, and so of what an event stream may hold here that is not read yet. */
export const largestReply = 4 * 1024 * 1024;
/** Of a whole event stream; what is passed on of it on the way is not kept. */
const longestStream = 64 * 1024 * 1024;
/** An event stream is left this long to end after its answer, so that its socket can be used again. */
const lingerMs = 1_000;

/**
 * Reads the one answer to `callId`, from a JSON body or from an event stream, and hands on what comes before it. Rejects only if
 * the connection ends early. `secrets`: what it was asked with, and must not say back.
 */
export function readReply(
  response: IncomingMessage,
  callId: string,
  onMessage: OnMessage,
  secrets: readonly string[] = [],
): Promise<UpstreamReply> {
  const isStream = mediaTypeOf(response) === 'text/event-stream';
  const status = response.statusCode ?? 0;
  const { promise, resolve, reject } = deferred<UpstreamReply>();
  const body = new GatheredBytes();
  const stream = eventBytes();
  let size = 0;
  const tooLarge = (): void => {
    resolve({ kind: 'garbage', why: 'its answer is too large' });
    response.destroy();
  };
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > (isStream ? longestStream : largestReply)) return tooLarge();
    if (!isStream) return body.add(chunk);
    const events = stream.add(chunk);
    if (stream.size > largestReply) return tooLarge();
    for (const event of events) {
      const read = readMessage(event, callId, status, secrets);
      if (read === undefined) continue;
      if ('method' in read) {
        onMessage(read);
        continue;
      }
      resolve(read);
      setTimeout(() => response.destroy(), lingerMs).unref();
    }
  });
  response.once('end', () => {
    const read =
      mediaTypeOf(response) === 'application/json'
        ? readMessage(bufferOf(body.take()), callId, status, secrets)
        : undefined;
    resolve(
      read === undefined || 'method' in read
        ? { kind: 'garbage', why: `it answered ${status} without an answer to this call`, status }
        : read,
    );
  });
  response.once('error', (cause) => reject(new EstopError('upstream-unavailable', { cause })));
  response.once('close', () => {
    if (!response.complete) reject(new EstopError('upstream-unavailable'));
  });
  return promise;
}

function mediaTypeOf(response: IncomingMessage): string {
  return (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

export const eventBytes = (): EventBytes => new EventBytes(splitEvents, /\n\r?\n/);

/** The data of every complete event, and what follows the last one. Lines end in LF or CRLF. */
export function splitEvents(bytes: Buffer): SplitEvents {
  const text = bytes.toString('latin1'); // one character per byte: no character of UTF-8 is split
  const events: Buffer[] = [];
  let begin = 0;
  for (const boundary of text.matchAll(/\r?\n\r?\n/g)) {
    const lines = text.slice(begin, boundary.index).split(/\r?\n/);
    const data = lines
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5));
    if (data.some((line) => line !== '')) events.push(Buffer.from(data.join('\n'), 'latin1'));
    begin = boundary.index + boundary[0].length;
  }
  return { events, tail: bytes.subarray(begin) };
}

/** Lenient: an answer is not hashed and not approved, it is passed on. Undefined: not for this call. */
export function readMessage(
  bytes: Buffer,
  callId: string,
  status: number,
  secrets: readonly string[] = [],
): UpstreamReply | UpstreamMessage | undefined {
  let message: unknown;
  try {
    message = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { kind: 'garbage', why: 'its answer is not JSON' };
  }
  // Also in the middle of a stream: what follows a message that holds it is not waited for.
  if (holdsSecret(message, secrets))
    return { kind: 'garbage', why: 'its answer holds the credential that it was asked with' };
  return readParsed(message, callId, status);
}

export function readParsed(
  message: unknown,
  callId: string,
  status: number,
): UpstreamReply | UpstreamMessage | undefined {
  if (!isRecord(message)) return undefined;
  const { method } = message;
  if (typeof method === 'string') {
    return {
      method,
      ...('id' in message ? { id: message['id'] } : {}),
      ...('params' in message ? { params: message['params'] } : {}),
    };
  }
  const { result, error } = message;
  if (message['id'] !== callId) return undefined;
  if (isRecord(result)) return { kind: 'result', result };
  if (isRecord(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string') {
    const { code, message: words, data } = error as { code: number; message: string; data?: unknown }; // looked at just now
    return { kind: 'error', code, message: words, status, ...(data === undefined ? {} : { data }) };
  }
  return { kind: 'garbage', why: 'its answer is neither a result nor an error' };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
