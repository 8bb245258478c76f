import type { IncomingMessage } from 'node:http';
import { GatheredBytes } from '../../contract/gathered-bytes.ts';
import type { TakeInHand } from './bodies-in-hand.ts';
import { bufferOf } from './buffer-of.ts';

export const largestBody = 1024 * 1024;

export type UnreadBody = 'body-too-large' | 'busy';

/** The whole body, or why it is not read: it is larger than the cap, or there is no room for it now. Rejects if the client goes away. */
export function readBody(
  request: IncomingMessage,
  takeInHand: TakeInHand,
  most = largestBody,
): Promise<Buffer | UnreadBody> {
  if (Number(request.headers['content-length'] ?? 0) > most) return Promise.resolve('body-too-large');
  return new Promise((resolve, reject) => {
    let body: GatheredBytes | undefined = new GatheredBytes();
    let size = 0;
    const refuse = (why: UnreadBody): void => {
      body = undefined;
      resolve(why);
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (body === undefined) return; // refused: the rest of it is dropped
      if (size > most) return refuse('body-too-large');
      if (!takeInHand(chunk.length)) return refuse('busy');
      body.add(chunk);
    });
    request.once('end', () => {
      if (body !== undefined) resolve(bufferOf(body.take()));
    });
    request.once('error', reject);
  });
}
