import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { keepRoom } from '../../src/runtime/keep-room.ts';
import { until } from '../revocation/rig.ts';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A server with room for three that answers nothing by itself, and a way to open connections to it from addresses of this machine. */
async function openRoom(mayRefuse = true) {
  const answers: ServerResponse[] = [];
  const server = createServer((request, response) => {
    answers.push(response);
    request.resume();
  });
  keepRoom(server, { most: 3, mayRefuse, holdsRequests: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo; // listening on TCP
  const enter = async (says = '', from = '127.0.0.1'): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    closing.push(() => socket.destroy());
    socket.on('error', () => undefined).resume();
    const before = answers.length;
    await new Promise((resolve) => socket.once('connect', resolve));
    if (says !== '') socket.write(says);
    if (says.endsWith('\r\n\r\n')) await until(async () => answers.length > before || socket.closed);
    return socket;
  };
  return { answers, enter };
}

const whole = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const closed = (...sockets: readonly Socket[]): Promise<unknown> =>
  until(async () => sockets.every((socket) => socket.closed));
const open = (...sockets: readonly Socket[]) => sockets.map((socket) => socket.closed).every((isClosed) => !isClosed);

it('who comes last takes the place of the longest silent', async () => {
  const { enter } = await openRoom();
  const [first, second, third] = [await enter(), await enter(), await enter('POST / HT')];
  const fourth = await enter();
  await closed(first);
  expect(open(second, third, fourth)).toBe(true);
  await enter();
  await closed(second);
  await enter();
  await closed(third);
});

it('many of one address take no place of another address', async () => {
  const { enter } = await openRoom();
  const other = await enter('', '127.0.0.2');
  const many: Socket[] = [];
  for (let opened = 0; opened < 8; opened += 1) many.push(await enter());
  await until(async () => other.closed || many.slice(0, 6).every((socket) => socket.closed));
  expect(open(other)).toBe(true);
});

it('who waits for an answer is held; then nobody else is let in', async () => {
  const { enter, answers } = await openRoom();
  const held = [await enter(whole), await enter(whole), await enter(whole)];
  await closed(await enter());
  expect(open(...held)).toBe(true);
  answers[1]?.end();
  await until(async () => answers[1]?.closed);
  const next = await enter();
  await closed(held[1] ?? next);
  expect(open(next)).toBe(true);
});

it('a request that is not here whole holds no place', async () => {
  const { enter } = await openRoom();
  const slow = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n';
  const [first] = [await enter(slow), await enter(slow), await enter(slow)];
  const next = await enter(whole);
  await closed(first);
  expect(open(next)).toBe(true);
});

it('a server that may refuse nobody lets more in where all are held', async () => {
  const { enter, answers } = await openRoom(false);
  for (let come = 0; come < 5; come += 1) await enter(whole);
  expect(answers).toHaveLength(5);
});
