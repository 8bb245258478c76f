import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatheredBytes } from '../../src/contract/gathered-bytes.ts';
import { EventBytes } from '../../src/gateway/http/event-bytes.ts';
import { rawEventBytes } from '../../src/gateway/model/event-stream.ts';
import { eventBytes, splitEvents } from '../../src/gateway/upstream/read-reply.ts';
import { runProgram } from '../kit/program.ts';

/** The pieces of it, cut at these places. */
const cutAt = (bytes: Buffer, places: readonly number[]): readonly Buffer[] => {
  const cuts = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
};
const places = fc.array(fc.nat(), { maxLength: 12 });

describe('what comes in pieces', () => {
  it('is the same however it was cut, and nobody else’s bytes are written into', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), places, (given, cuts) => {
        const sent = Buffer.from(given);
        const gathered = new GatheredBytes();
        for (const piece of cutAt(sent, cuts)) gathered.add(piece);
        expect(gathered.length).toBe(given.length);
        expect([...gathered.take()]).toEqual([...given]);
        expect([...sent]).toEqual([...given]);
        gathered.add(sent.subarray(0, 1));
        expect(gathered.length).toBe(Math.min(1, given.length));
      }),
    );
  });

  it.each([
    ['upstreams', eventBytes],
    ['providers', rawEventBytes],
  ])('of %s are the same events however they were cut', (_whose, make) => {
    const text = fc.array(fc.constantFrom('data: a', 'data:', 'é', '\n', '\r\n', '\r', '\n\n', '\r\n\r\n'), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(text, places, (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''));
        const whole = make();
        const expected = whole.add(bytes).map(String);
        const cut = make();
        const seen = cutAt(bytes, cuts).flatMap((piece) => cut.add(piece).map(String));
        expect(seen).toEqual(expected);
        expect(String(cut.rest())).toBe(String(whole.rest()));
      }),
    );
  });

  it('is not looked at again for each byte that comes', () => {
    let looked = 0;
    const events = new EventBytes((bytes) => {
      looked += bytes.length;
      return splitEvents(bytes);
    }, /\n\r?\n/);
    events.add(Buffer.from(`data: ${'x'.repeat(10_000)}`));
    for (let byte = 0; byte < 10_000; byte += 1) expect(events.add(Buffer.from('x'))).toEqual([]);
    expect(events.add(Buffer.from('\n\ndata: ')).map((event) => event.length)).toEqual([20_000]);
    expect(looked).toBeLessThan(40_000);
  });
});

it('a body that is sent byte by byte takes about the memory of its bytes', async () => {
  const env = { ...process.env, NODE_OPTIONS: '--max-old-space-size=48' };
  const reader = runProgram(join(import.meta.dirname, 'programs/small-reader.ts'), [], { env });
  const { port } = await reader.next();
  const size = 512 * 1024;
  const socket = connect(Number(port), '127.0.0.1');
  const answer = new Promise<string>((resolve, reject) => {
    let said = '';
    socket.setEncoding('utf8').on('data', (text: string) => (said += text));
    socket.once('error', reject);
    socket.once('close', () => resolve(said));
  });
  socket.write('POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n');
  socket.end(`${'1\r\nx\r\n'.repeat(size)}0\r\n\r\n`);
  expect(await answer).toContain(`\r\n\r\n${size}`);
  await reader.kill('SIGKILL');
});
