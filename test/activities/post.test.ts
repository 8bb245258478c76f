import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { openPost, PostFailed } from '../../src/activities/post.ts';

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function listen(serve: RequestListener): Promise<URL> {
  const server = createServer(serve);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/here`); // listening on TCP
}

const options = { mostBytes: 1_000, idleConnections: 4 };
const message = { headers: { authorization: 'Bearer t' }, body: 'question' };
const post = async (url: URL, signal = new AbortController().signal) =>
  openPost(url, options)({ ...message, signal }).catch((thrown: unknown) => thrown);

it('a whole answer comes with its status and its headers, also where it is a refusal', async () => {
  const url = await listen(async (request, response) => {
    const body = await request.toArray();
    response.writeHead(409, { 'x-seen': `${request.method} ${request.url} ${request.headers.authorization}` });
    response.end(`to ${body.join('')}`);
  });
  const reply = await openPost(url, options)({ ...message, path: '/there', signal: new AbortController().signal });
  expect([reply.status, reply.headers['x-seen'], reply.bytes.toString()]).toEqual([
    409,
    'POST /there Bearer t',
    'to question',
  ]);
});

it('one connection serves one request after the other', async () => {
  const ports = new Set<number | undefined>();
  const url = await listen((request, response) => {
    ports.add(request.socket.remotePort);
    request.resume().on('end', () => response.end('x'));
  });
  const again = openPost(url, options);
  for (let n = 0; n < 3; n += 1) await again({ ...message, signal: new AbortController().signal });
  expect(ports.size).toBe(1);
});

it('a connection is not used for as long as the other side keeps it', async () => {
  const ports = new Set<number | undefined>();
  const url = await listen((request, response) => {
    ports.add(request.socket.remotePort);
    request.resume().on('end', () => response.writeHead(200, { 'keep-alive': 'timeout=2' }).end('x'));
  });
  const again = openPost(url, options);
  await again({ ...message, signal: new AbortController().signal });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await again({ ...message, signal: new AbortController().signal });
  expect(ports.size).toBe(2);
});

it.each<[string, RequestListener]>([
  [
    'breaks off',
    (_request, response) =>
      void response.writeHead(200, { 'content-length': '99' }).write('x', () => response.destroy()),
  ],
  ['is longer than anybody holds in memory', (_request, response) => void response.end('x'.repeat(2_000))],
  ['sends us elsewhere', (_request, response) => void response.writeHead(307, { location: '/elsewhere' }).end('{}')],
  [
    'wants another protocol',
    ({ socket }) =>
      void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n'),
  ],
])('an answer that %s is none, and what was asked may have been done', async (_what, serve) => {
  const failed = await post(
    await listen((request, response) => void request.resume().on('end', () => serve(request, response))),
  );
  expect(failed).toBeInstanceOf(PostFailed);
  expect(failed).toMatchObject({ wasNeverSent: false });
});

it('what nobody listens to was never sent', async () => {
  const url = await listen(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  expect(await post(url)).toMatchObject({ wasNeverSent: true, code: 'ECONNREFUSED' });
});

it('what is given up ends its connection', async () => {
  const given = new AbortController();
  let ended = Promise.resolve<unknown>(undefined);
  const url = await listen((request) => {
    ended = once(request.socket, 'close');
    given.abort();
  });
  expect(await post(url, given.signal)).toMatchObject({ wasNeverSent: false });
  await ended;
});
