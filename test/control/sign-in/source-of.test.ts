import { createServer, request } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSourceOf } from '../../../src/control/sign-in/source-of.ts';
import { isNetwork } from '../../../src/runtime/networks.ts';

const app = new Hono();
const plain = createSourceOf();
const behind = createSourceOf(['127.0.0.9', '10.0.0.0/8', 'fd00::/16']);
app.get('/plain', (context) => context.text(plain(context)));
app.get('/behind', (context) => context.text(behind(context)));

describe('from where a request comes', () => {
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, createServer });
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => new Promise((resolve) => void server.close(resolve)));
  const ask = (path: string, localAddress: string, forwarded?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
      const asked = request({ port, host: '127.0.0.1', path, localAddress, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject).end();
    });

  it('is the address that is connected, whatever it says of itself', async () => {
    expect(await ask('/plain', '127.0.0.5')).toBe('127.0.0.5');
    expect(await ask('/plain', '127.0.0.9', '203.0.113.7')).toBe('127.0.0.9');
    expect(await ask('/behind', '127.0.0.5', '203.0.113.7')).toBe('127.0.0.5');
  });

  it('is what a trusted proxy says, back over all that are trusted and no further', async () => {
    for (const [said, source] of [
      ['203.0.113.7', '203.0.113.7'],
      ['198.51.100.1, 203.0.113.7', '203.0.113.7'],
      ['198.51.100.1, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
      ['203.0.113.7:4711', '203.0.113.7'],
      ['::ffff:203.0.113.7', '203.0.113.7'],
      ['[2001:db8:1:2:3:4:5:6]:4711', '2001:db8:1:2::/64'],
      ['2001:db8::7', '2001:db8:0:0::/64'],
      ['198.51.100.1, 2001:db8:1:2::ff, fd00::1', '2001:db8:1:2::/64'],
      ['not an address', '127.0.0.9'],
      ['198.51.100.1, nonsense, 10.1.2.3', '10.1.2.3'],
      [undefined, '127.0.0.9'],
    ] as const)
      expect([said, await ask('/behind', '127.0.0.9', said)]).toEqual([said, source]);
  });

  it('a list of proxies is of addresses and networks', () => {
    for (const good of ['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/16'])
      expect([good, isNetwork(good)]).toEqual([good, true]);
    for (const bad of ['', 'proxy', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', '::/129', '10.0.0.0/-1'])
      expect([bad, isNetwork(bad)]).toEqual([bad, false]);
  });
});
