import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { afterAll, expect } from 'vitest';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** What the next requests get: a status, or silence. 204 when there is nothing left. */
  answer(...next: readonly (number | 'silence' | ((response: ServerResponse) => void))[]): void;
}

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers.splice(0)) close();
});

/** A server as an operator's pager has one, on loopback. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const script: (number | 'silence' | ((response: ServerResponse) => void))[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      received.push({
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(pieces).toString('utf8'),
      });
      const next = script.shift() ?? 204;
      if (next === 'silence') return;
      if (typeof next === 'function') return next(response);
      response.writeHead(next).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, received, answer: (...next) => void script.push(...next) };
}

export interface Payload {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly subject: string };
}

/** Those about one subject. */
export const payloadsOf = (receiver: Receiver, subject: string): readonly Payload[] =>
  receiver.received.map(({ body }) => JSON.parse(body) as Payload).filter(({ data }) => data.subject === subject); // our own bodies

/** A server that takes everything and answers nothing, and counts how much is under way there. */
export async function startHanging(): Promise<{ readonly url: string; under(): number; most(): number }> {
  const { url, answer } = await startReceiver();
  let under = 0;
  let most = 0;
  const hang = (response: ServerResponse): void => {
    under += 1;
    most = Math.max(most, under);
    response.on('close', () => (under -= 1));
  };
  answer(...Array.from({ length: 500 }, () => hang));
  return { url, under: () => under, most: () => most };
}

/** By the verifier of others: by each of these secrets, and by no stranger's. */
export function expectSigned({ headers, body }: Received, secrets: readonly string[]): void {
  const verify = (secret: string): unknown => new Webhook(secret).verify(body, headers as Record<string, string>); // it looks at three of them
  for (const secret of secrets) expect(verify(secret)).toEqual(JSON.parse(body));
  expect(() => verify(`whsec_${Buffer.from('somebody else entirely, 32 bytes').toString('base64')}`)).toThrow();
}
