import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKillActivities } from '../../src/activities/kill.ts';
import { errorCodeOf } from '../../src/core/errors.ts';

const latched = { state: 'latched', stopId: 'stop_test_0123456789abcdefghjkmnpqrs' };
let answer: { readonly status: number; readonly body: unknown };
let url: string;
const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // listening on TCP
});
afterAll(() => void server.close());

const place = (): Promise<unknown> =>
  createKillActivities({ stopUrl: url, workerToken: () => 'token' })
    .placeKill({ taskId: 'task_test_1', stopId: latched.stopId, reason: 'r', actor: 'a' })
    .catch(errorCodeOf);

it('a receipt is taken from a stop process that says so in every way', async () => {
  answer = { status: 202, body: latched };
  expect(await place()).toEqual({ stopId: latched.stopId });
});

it.each([500, 502, 403, 301])(
  'a receipt under %d is none: somebody in between, or an error, is speaking',
  async (status) => {
    answer = { status, body: latched };
    expect(await place()).toEqual(expect.any(String));
  },
);

it('a promise is no receipt', async () => {
  answer = { status: 202, body: { ...latched, state: 'accepted' } };
  expect(await place()).toBe('store-unavailable');
});

it('goes over another connection where the one that was kept open has died', async () => {
  answer = { status: 202, body: latched };
  const served = new Set<Socket>();
  const die = ({ socket }: IncomingMessage): void => {
    if (served.has(socket)) socket.resetAndDestroy();
    served.add(socket);
  };
  server.prependListener('request', die);
  const { placeKill } = createKillActivities({ stopUrl: url, workerToken: () => 'token' });
  const kill = { taskId: 'task_test_1', stopId: latched.stopId, reason: 'r', actor: 'a' };
  for (let n = 0; n < 2; n += 1) expect(await placeKill(kill)).toEqual({ stopId: latched.stopId });
  expect(served.size).toBe(2);
  server.off('request', die);
});
