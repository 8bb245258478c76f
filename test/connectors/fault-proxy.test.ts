import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, listen } from '../../examples/demo/fault-proxy.ts';

describe('The fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  let served: string[];

  beforeEach(async () => {
    served = [];
    server = createServer((request, response) => {
      served.push(`${request.method} ${request.url}`);
      response.end('0123456789'.repeat(100));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    proxy = await listen({ host: '127.0.0.1', port: address.port });
  });
  afterEach(async () => {
    await proxy.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const get = (path = '/', timeoutMs = 5_000): Promise<string> =>
    fetch(`http://${proxy.host}:${proxy.port}${path}`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(timeoutMs),
    }).then((answer) => answer.text());

  it('passes everything on while it has no toxic, and counts its connections', async () => {
    expect(await get()).toHaveLength(1000);
    expect(proxy.accepted()).toBe(1);
    await expect.poll(() => proxy.connections()).toBe(0);
  });

  it('refuses connections while down, cuts the open ones, and takes them again at the same port', async () => {
    const open = await openSocket(proxy);
    const closed = new Promise((resolve) => open.once('close', resolve));
    await proxy.addToxic('x', { type: 'down' });
    await closed;
    await expect(get()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await proxy.removeToxic('x');
    expect(await get()).toHaveLength(1000);
  });

  it('hangs under a time-out of 0 until that is removed, and then goes on where it was', async () => {
    await proxy.addToxic('x', { type: 'timeout', timeout: 0 });
    const answer = get();
    await expect(Promise.race([answer, get('/other', 200).catch(() => 'still nothing')])).resolves.toBe(
      'still nothing',
    );
    expect(served).toEqual([]);
    await proxy.removeToxic();
    expect(await answer).toHaveLength(1000);
  });

  it('hangs a connection that is already open as well', async () => {
    const socket = await openSocket(proxy);
    await proxy.addToxic('x', { type: 'timeout', timeout: 0 });
    socket.write('GET /late HTTP/1.1\r\nhost: x\r\n\r\n');
    await get('/other', 200).catch(() => undefined);
    expect(served).toEqual([]);
    socket.destroy();
  });

  it('closes under a time-out that runs out, and resets under reset_peer', async () => {
    await proxy.addToxic('x', { type: 'timeout', timeout: 20 });
    await expect(get()).rejects.toThrow();
    await proxy.addToxic('x', { type: 'reset_peer', timeout: 0 });
    await expect(get()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(served).toEqual([]);
  });

  it('lets the server do what it was asked and loses the answer, of the marked request alone', async () => {
    await proxy.addToxic('x', { type: 'execute_then_drop_reply', marker: 'GET /marked' });
    expect(await get('/plain')).toHaveLength(1000);
    await expect(get('/marked')).rejects.toThrow();
    expect(served).toEqual(['GET /plain', 'GET /marked']);
    expect(proxy.dropped()).toBe(1);
  });

  it('answers in the place of the server, which never hears of it', async () => {
    await proxy.addToxic('x', {
      type: 'reply_with',
      bytes: 'HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
    });
    const answer = await fetch(`http://${proxy.host}:${proxy.port}/`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
    expect(served).toEqual([]);
  });

  it('cuts the answer off after so many bytes', async () => {
    await proxy.addToxic('x', { type: 'limit_data', bytes: 300 });
    await expect(get()).rejects.toThrow();
    expect(served).toHaveLength(1);
  });

  it.each([
    { type: 'latency', latency: 20, jitter: 5 },
    { type: 'bandwidth', kilobytesPerSecond: 100 },
    { type: 'slicer', averageSize: 97, delay: 1 },
    { type: 'slow_close', delay: 20 },
  ] as const)('delivers every byte in order under $type', async (toxic) => {
    await proxy.addToxic('x', toxic);
    expect(await get()).toBe('0123456789'.repeat(100));
  });
});

function openSocket(proxy: FaultProxy): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ host: proxy.host, port: proxy.port }, () => resolve(socket));
    socket.on('error', () => undefined);
  });
}
