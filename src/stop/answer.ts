import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatheredBytes } from '../contract/gathered-bytes.ts';
import { problemMediaType, problemOf } from '../contract/problem.ts';
import { EstopError } from '../core/errors.ts';

const bodyCeilingBytes = 64 * 1024;

/** The body as text, or an error that a client can act on. Never more than the ceiling is held. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const body = new GatheredBytes();
  for await (const chunk of request as AsyncIterable<Buffer>) {
    // no encoding is set, so chunks are Buffers
    body.add(chunk);
    if (body.length > bodyCeilingBytes)
      throw new EstopError('body-too-large', { detail: `at most ${bodyCeilingBytes} bytes` });
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(body.take());
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse(await readBody(request));
  } catch (cause) {
    if (cause instanceof EstopError) throw cause; // of this very process, thrown above
    throw new EstopError('invalid-json', { cause });
  }
}

export function sendJson(response: ServerResponse, status: number, body: object, mediaType = 'application/json'): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': mediaType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

export function sendProblem(response: ServerResponse, thrown: unknown, requestId: string): void {
  const problem = problemOf(thrown, requestId);
  if (problem.status === 413) response.setHeader('connection', 'close'); // the rest of the body is not read
  if (problem.status === 401) response.setHeader('www-authenticate', 'Bearer');
  sendJson(response, problem.status, problem, problemMediaType);
}
