import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { until } from '../revocation/rig.ts';
import { makeStopProgram } from './stop-program.ts';

/** As some systems still give to a service. */
const openFiles = 1_024;
const crowdOf = 2_500;

const crowd = new Set<Socket>();
afterEach(() => crowd.forEach((socket) => socket.destroy()));

/** Connections from one address that say this and then nothing more. What is hung up is opened again, for as long as the test runs. */
function open(port: number, says: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (says !== '') socket.write(says);
      resolve();
    });
    crowd.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (!crowd.delete(socket)) return;
      resolve();
      setTimeout(() => void open(port, says), 1_000).unref();
    });
  });
}

const halfHead = 'POST /v1/stops HTTP/1.1\r\nhost: x\r\n';
const slowBody = `${halfHead}authorization: Bearer nobody\r\ncontent-length: 60\r\n\r\n{`;

it.each([
  ['nothing', ''],
  ['half a head', halfHead],
  ['half a body', slowBody],
])('a stop gets through to a stop process whose port is crowded by connections that send %s', async (_what, says) => {
  const { start, send, order, port } = await makeStopProgram('ignore', { openFiles });
  const child = await start();
  for (let opened = 0; opened < crowdOf; opened += 250) {
    await Promise.all(Array.from({ length: 250 }, () => open(port, says)));
    // All at once they would only wait in the kernel's own queue.
    await sleep(20);
  }
  for (let round = 0; round < 5; round += 1)
    expect(await send(order('agent:crowded'))).toMatchObject({ state: 'latched' });
  expect(child.exitCode).toBe(null);
});

it('a stop that waits for the store is not hung up on, however many connections come', async () => {
  const { ledger, start, send, order, port } = await makeStopProgram('ignore', { openFiles });
  await start();
  const holder = await ledger.session();
  await holder.query('BEGIN; SELECT 1 FROM estop.latch_order FOR UPDATE');
  const sending = send(order('agent:crowded'));
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%estop.latch(%'";
  await until(async () => (await ledger.sql(waiting)).length > 0);
  await Promise.all(Array.from({ length: crowdOf }, () => open(port, '')));
  await holder.query('ROLLBACK');
  expect(await sending).toMatchObject({ state: 'latched' });
});
