import { createServer, type RequestListener } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { httpSend } from '../../src/cli/http-send.ts';
import { createEstop } from '../../src/sdk/index.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

const clientOf = (url: string) =>
  createEstop({
    controlUrl: url,
    stopUrl: url,
    token: `estop_test_${'a'.repeat(43)}`,
    send: httpSend,
    timeoutMs: 300,
    attempts: 1,
  });
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (thrown: unknown) => (thrown as { code?: unknown }).code,
  );

it('sends what fetch would send, and reads the answer', async () => {
  let seen: unknown;
  const url = await serve((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      seen = {
        method: request.method,
        path: request.url,
        authorization: request.headers.authorization?.slice(0, 18),
        type: request.headers['content-type'],
        key: typeof request.headers['idempotency-key'],
        body,
      };
      response.end('{"known":false}');
    });
  });
  await clientOf(url).stops.preview({ agent: 'billing-bot' });
  expect(seen).toEqual({
    method: 'POST',
    path: '/v1/stops:preview',
    authorization: 'Bearer estop_test_',
    type: 'application/json',
    key: 'string',
    body: '{"scopeKey":"agent:billing-bot"}',
  });
});

it('a reason in any script arrives whole', async () => {
  const received: string[] = [];
  const url = await serve((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => received.push(text));
    request.on('end', () => response.end('{}'));
  });
  await codeOf(clientOf(url).stops.stop({ fleet: true }, { reason: 'помогите 🙂' }));
  expect(JSON.parse(received.join(''))).toMatchObject({ reason: 'помогите 🙂' });
});

it('an answer that breaks off, one that never comes and a closed port are no answers', async () => {
  const broken = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"items":[]');
    setTimeout(() => response.destroy(), 20);
  });
  const hanging = await serve(() => undefined);
  expect(await codeOf(clientOf(broken).tasks.list())).toBe('unreachable');
  expect(await codeOf(clientOf(hanging).tasks.list())).toBe('unreachable');
  expect(await codeOf(clientOf('http://127.0.0.1:1').tasks.list())).toBe('unreachable');
});

it('a redirect is not followed', async () => {
  let reached = 0;
  const elsewhere = await serve((_request, response) => {
    reached += 1;
    response.end('{}');
  });
  const url = await serve((_request, response) => response.writeHead(307, { location: elsewhere }).end());
  expect(await codeOf(clientOf(url).tasks.list())).toBe('bad-answer');
  expect(reached).toBe(0);
});
