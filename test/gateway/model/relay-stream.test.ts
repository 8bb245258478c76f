import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { holdsKey, relayStream } from '../../../src/gateway/model/relay-stream.ts';
import { saying } from './protocol-server.ts';

/** A stop cuts the sockets; this holds also in the tick before the cut, and if there was no cut at all. */
it('a stream is asked about before every piece, and nothing is written after the word that it may not go on', async () => {
  const written: string[] = [];
  const pieces = ['one', 'two', 'three'].map(saying);
  const relayed = await relayStream({
    incoming: Readable.from(pieces.map((piece) => Buffer.from(piece))) as never, // read as a stream, nothing else of it
    client: {
      write: (bytes) => written.push(bytes.toString()) > 0,
      drained: () => Promise.resolve(),
      end: () => undefined,
      destroy: () => undefined,
    },
    dialect: 'chat',
    wantsUsage: true,
    key: '',
    silenceMs: 10_000,
    mayGoOn: () => written.length < 2,
  });
  expect(written).toEqual(pieces.slice(0, 2));
  expect(relayed.whole).toBe(false);
});

it.each(['sk-an-ordinary-key', 'a/key+with/slashes/in/it==', 'a"key\\with"signs/in-it'])(
  'a key is seen as JSON spells it: %s',
  (key) => {
    const said = JSON.stringify({ error: `Wrong key ${key}.` });
    for (const text of [key, said, said.replaceAll('/', '\\/')])
      expect(holdsKey(Buffer.from(text), key), text).toBe(true);
    expect(holdsKey(Buffer.from(said.toUpperCase()), key)).toBe(false);
  },
);
