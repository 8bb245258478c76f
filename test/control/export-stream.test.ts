import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ControlDeps } from '../../src/control/deps.ts';
import { exportStream } from '../../src/control/export-stream.ts';
import { newName } from '../store/ledger.ts';
import { type ControlRig, makeControl } from './rig.ts';

const many = 12_345;

describe('an export of the audit', () => {
  let rig: ControlRig;
  const subject = newName('exported');
  beforeAll(async () => {
    rig = await makeControl();
    await rig.ledger.sql(
      `INSERT INTO estop.audit (kind, actor, subject, detail) SELECT 'test.happened', 'olga', $1, jsonb_build_object('n', n) FROM generate_series(1, ${many}) n`,
      [subject],
    );
    await rig.ledger.sql(
      `INSERT INTO estop.audit (kind, actor, subject, detail) SELECT 'test.happened', 'olga', $1, jsonb_build_object('text', repeat('x', 8000)) FROM generate_series(1, 3000)`,
      [large],
    );
  });
  const large = newName('large');
  const target = (door: string, format: string, of = subject): string => `${door}?format=${format}&subject=${of}`;

  it.each([
    ['/v1/audit/export', 'csv'],
    ['/audit/export', 'csv'],
    ['/audit/export', 'jsonl'],
  ])('at %s has all that match, however many, once each and newest first, as %s', async (door, format) => {
    const answer = await rig.call('GET', target(door, format), { as: 'viewer' });
    const numbers = [...answer.text.matchAll(format === 'csv' ? /"{""n"":(\d+)}"/g : /{"n":(\d+)}/g)].map(([, n]) =>
      Number(n),
    );
    expect(numbers).toEqual(Array.from({ length: many }, (_, at) => many - at));
    expect(answer.text.match(/^at,kind,actor/gm)?.length ?? 0).toBe(format === 'csv' ? 1 : 0);
  });

  it('says so where it cannot begin, and breaks the connection where it cannot be finished: never a shorter file that looks whole', async () => {
    let left = 0;
    const query = (...asked: unknown[]): unknown => {
      left -= 1;
      return left < 0
        ? Promise.reject(Object.assign(new Error('gone'), { code: '57P01' }))
        : rig.deps.store.query(...(asked as [never])); // handed on as it came
    };
    const store = new Proxy(rig.deps.store, {
      get: (pool, key) => (key === 'query' ? query : Reflect.get(pool, key, pool)),
    });
    const url = await serve(rig.withDeps({ store }));
    const get = () => fetch(`${url}${target('/audit/export', 'csv')}`, { headers: { authorization: 'Bearer viewer' } });
    const refused = await get();
    expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('store-unavailable')]);
    left = 3;
    const broken = await get();
    expect(broken.status).toBe(200);
    await expect(broken.text()).rejects.toThrow();
  });

  it('ends with the role of whoever reads it', async () => {
    const first = { ok: true, identity: { actor: 'vera', roles: ['viewer'] } } as const;
    let isViewer = true;
    const authenticator = {
      authenticate: () => (isViewer ? first : ({ ok: false, code: 'unauthenticated' } as const)),
    } as ControlDeps['authenticator']; // all that is asked of it here
    const url = await serve(rig.withDeps({ authenticator }));
    const answer = await fetch(`${url}${target('/v1/audit/export', 'jsonl', large)}`, {
      headers: { authorization: 'Bearer x' },
    });
    isViewer = false;
    // Far more is left than a connection holds, so that it cannot have been written whole by now.
    await sleep(1_500);
    await expect(answer.text()).rejects.toThrow();
  });

  it('holds no more than a page for a reader who takes nothing, and lets go of their connection', async () => {
    let reads = 0;
    let isCut = false;
    const page = { items: ['x'.repeat(1_000_000)], next: 'more' };
    const stream = await exportStream(
      async () => {
        reads += 1;
        return page;
      },
      ([text = '']) => text,
      { signal: new AbortController().signal, isStillPermitted: () => true, cutOff: () => void (isCut = true) },
      { deafAfterMs: 500 },
    );
    const reader = stream.getReader();
    await reader.read();
    await expect.poll(() => isCut, { timeout: 20_000 }).toBe(true);
    expect(reads).toBe(2);
    await expect(reader.closed).rejects.toThrow();
  });

  async function serve({ app }: ControlRig): Promise<string> {
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, createServer }) as Server; // createServer of node:http makes exactly this
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  }
});
