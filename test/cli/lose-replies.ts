import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LossyLink {
  readonly url: string;
  /** So many replies to what changes something are lost from now on. */
  lose(count: number): void;
  /** How many were, so far. */
  lost(): number;
  close(): Promise<unknown>;
}

/** A link to a server on which every request arrives and is answered, and not every answer comes back. */
export async function loseReplies(target: string): Promise<LossyLink> {
  let [left, lost] = [0, 0];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set
    const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' && !['host', 'connection', 'content-length'].includes(name) ? [[name, value]] : [],
    );
    const answer = await fetch(new URL(request.url ?? '/', target), {
      method: request.method ?? 'GET',
      headers,
      ...(request.method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
    });
    const text = await answer.text();
    if (request.method === 'POST' && left > 0) {
      left -= 1;
      lost += 1;
      return request.socket.destroy();
    }
    return response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on TCP
    lose: (count) => {
      left = count;
    },
    lost: () => lost,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
