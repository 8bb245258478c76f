import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, freePorts } from '../../src/runtime/local/free-port.ts';

describe('a free port', () => {
  it('is the one that was wished for, unless somebody listens on it', async () => {
    const wish = await freePort();
    expect(await freePort(wish)).toBe(wish);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(wish, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    expect(await freePort(wish)).not.toBe(wish);
  });

  it('is given once, also if two wish for it', async () => {
    const wish = await freePort();
    const [one, two, three] = await freePorts([wish, wish, undefined]);
    expect(one).toBe(wish);
    expect(new Set([one, two, three]).size).toBe(3);
  });
});
