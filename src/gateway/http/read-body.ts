import type { IncomingMessage } from 'node:http';

export const largestBody = 1024 * 1024;

/** The whole body, or undefined if it is larger than the cap. Rejects if the client goes away. */
export function readBody(request: IncomingMessage, most = largestBody): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > most) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else resolve(undefined);
    });
    request.once('end', () => {
      if (size <= most) resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
    request.once('error', reject);
  });
}
