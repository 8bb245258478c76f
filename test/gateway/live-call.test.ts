import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { LiveCall } from '../../src/gateway/call/live-call.ts';
import { openSockets, PreparedCall } from '../../src/gateway/upstream/prepared-call.ts';
import { type UpstreamSession, wireRequest } from '../../src/gateway/upstream/session.ts';

/** Takes connections, and says nothing for ever. */
async function silence(): Promise<{ readonly port: number; readonly accepted: Promise<Socket> }> {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  const accepted = new Promise<Socket>((resolve) => silent.once('connection', resolve));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
  return { port: (silent.address() as AddressInfo).port, accepted }; // listening on TCP
}

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

const outgoing = { taskId: 'task', agentId: 'a', method: 'tools/call', name: 'act', params: '{"x":1}' };

function server(scheme: 'http' | 'https', port: number) {
  const session: UpstreamSession = {
    url: new URL(`${scheme}://127.0.0.1:${port}/mcp`),
    era: 'modern',
    version: '2026-07-28',
    sessionId: undefined,
    authorization: undefined,
  };
  const agent = openSockets(session.url);
  return {
    prepare: (call: typeof outgoing & { readonly callId: string }) => {
      const { headers, body } = wireRequest(session, call);
      return { call: new PreparedCall(session, agent, headers), body };
    },
  };
}

const aCall = (): LiveCall => new LiveCall('call', { keys: ['fleet'], agents: ['a'], epoch: 0 });
const stopped = { kind: 'stopped', stop: { stopId: 's', scopeKey: 'fleet', epoch: 1, inForce: true } } as const;

describe('a call that waits for its socket', () => {
  it('gives up on a server that never finishes its handshake', async () => {
    const { port } = await silence();
    expect(await aCall().prepare(server('https', port), outgoing, 100)).toBe(false);
  });

  it('gives up on a server that is not there', async () => {
    expect(await aCall().prepare(server('http', 1), outgoing, 10_000)).toBe(false);
  });

  it('is ended by a cut at once, and takes no other socket afterwards', async () => {
    const { port } = await silence();
    const call = aCall();
    const preparing = call.prepare(server('https', port), outgoing, 60_000);
    call.destroy(stopped);
    expect(await preparing).toBe(false);
    expect(await call.prepare(server('http', port), outgoing, 10_000)).toBe(false);
    expect(call.isWritten()).toBe(false);
  });
});

describe('a call with its socket in hand', () => {
  it('sends nothing before it is written, and everything in the tick in which it is', async () => {
    const { port, accepted } = await silence();
    const call = aCall();
    expect(await call.prepare(server('http', port), outgoing, 10_000)).toBe(true);
    const socket = await accepted;
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    await new Promise((resolve) => setImmediate(resolve));
    expect(received).toEqual([]);

    void call.write(60_000);
    // Destroyed in the same tick: what arrives was in the kernel's hands already.
    call.destroy(stopped);
    await new Promise((resolve) => socket.once('close', resolve));
    const text = Buffer.concat(received).toString('utf8');
    expect(text).toContain('"params":{"x":1,');
    expect(text.endsWith('}')).toBe(true);
  });

  it('says how it was cut, whatever the socket says afterwards', async () => {
    const { port } = await silence();
    const call = aCall();
    await call.prepare(server('http', port), outgoing, 10_000);
    const end = call.write(60_000);
    call.destroy(stopped);
    expect(await end).toEqual({ kind: 'cut', reason: stopped });
    expect(call.isUsable).toBe(false);
  });

  it('ends when its time is over, though nobody ever answers', async () => {
    const { port } = await silence();
    const call = aCall();
    await call.prepare(server('http', port), outgoing, 10_000);
    // Far longer than it may take; what has not ended by then does not end.
    const never = new Promise((resolve) => setTimeout(resolve, 10_000, 'it went on').unref());
    expect(await Promise.race([call.write(50), never])).toEqual({ kind: 'timed-out' });
  });

  it('notices that the upstream has closed it', async () => {
    const { port, accepted } = await silence();
    const call = aCall();
    await call.prepare(server('http', port), outgoing, 10_000);
    (await accepted).destroy();
    while (call.isUsable) await new Promise((resolve) => setImmediate(resolve));
    expect(call.isWritten()).toBe(false);
    expect(await call.prepare(server('http', port), outgoing, 10_000)).toBe(true);
    call.release();
  });
});
