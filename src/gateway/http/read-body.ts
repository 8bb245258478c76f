import type { IncomingMessage } from 'node:http';
import type { TakeInHand } from './bodies-in-hand.ts';

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
    let chunks: Buffer[] | undefined = [];
    let size = 0;
    const refuse = (why: UnreadBody): void => {
      chunks = undefined;
      resolve(why);
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (chunks === undefined) return; // refused: the rest of it is dropped
      if (size > most) return refuse('body-too-large');
      if (!takeInHand(chunk.length)) return refuse('busy');
      chunks.push(chunk);
    });
    request.once('end', () => {
      if (chunks !== undefined)
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.once('error', reject);
  });
}
