import type { IncomingMessage } from 'node:http';
import { GatheredBytes } from '../../contract/gathered-bytes.ts';
import { bufferOf } from '../http/buffer-of.ts';

/** Every byte of an answer, or undefined: too large, broken off, compressed although it was not asked for, or silent too long. */
export async function readAnswer(
  incoming: IncomingMessage,
  { mostBytes, silenceMs }: { readonly mostBytes: number; readonly silenceMs: number },
): Promise<Buffer | undefined> {
  if ((incoming.headers['content-encoding'] ?? 'identity') !== 'identity') return undefined;
  const body = new GatheredBytes();
  try {
    for await (const chunk of untilSilent(incoming, silenceMs)) {
      body.add(chunk);
      if (body.length > mostBytes) return undefined;
    }
  } catch {
    return undefined;
  }
  return bufferOf(body.take());
}

/** Ends with an error if nothing comes for so long; leaving the loop destroys the connection. */
export async function* untilSilent(incoming: IncomingMessage, silenceMs: number): AsyncGenerator<Buffer> {
  const hangUp = (): void => void incoming.destroy(new Error('the provider has fallen silent'));
  let timer = setTimeout(hangUp, silenceMs);
  try {
    for await (const chunk of incoming) {
      clearTimeout(timer);
      yield chunk as Buffer; // no encoding was set
      timer = setTimeout(hangUp, silenceMs);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Without its parameters, in lower case. */
export function mediaTypeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
