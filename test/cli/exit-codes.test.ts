import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemMediaType, problemOf } from '../../src/contract/problem.ts';
import { type ErrorCode, EstopError, errorCatalogue } from '../../src/core/errors.ts';
import { mainPath } from './rig.ts';

/** One error for every status that the catalogue has. */
const byStatus = new Map<number, ErrorCode>();
for (const [code, { status }] of Object.entries(errorCatalogue))
  if (status >= 400 && !byStatus.has(status)) byStatus.set(status, code as ErrorCode); // its own keys

/** Pinned by hand: scripts rely on these. */
const expected: Readonly<Record<number, number>> = { 401: 4, 403: 4, 404: 5, 413: 2, 422: 2 };

let answer: { readonly status: number; readonly body: string; readonly type: string };
let url = '';
const server = createServer((_request, response) => {
  response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
});
afterAll(() => void server.close());

const run = (...args: readonly string[]): Promise<number | null> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', ESTOP_TOKEN: `estop_test_${'a'.repeat(43)}` };
    const child = spawn(process.execPath, [mainPath, ...args, '--control-url', url, '--stop-url', url], {
      env,
      stdio: 'ignore',
    });
    child.once('exit', resolve);
  });

describe('the exit code of the command line', () => {
  it.each([...byStatus])(
    'for HTTP %i (%s) is never success, and one that scripts can rely on',
    async (status, code) => {
      answer = { status, body: JSON.stringify(problemOf(new EstopError(code), 'req_test_x')), type: problemMediaType };
      const exit = await run('agents');
      expect(exit).not.toBe(0);
      if (expected[status] !== undefined) expect(exit).toBe(expected[status]);
      else expect([1, 2, 3, 7]).toContain(exit);
    },
  );

  it.each([
    [500, 'text/html', '<h1>a proxy of somebody else</h1>'],
    [502, 'text/html', ''],
    [404, 'text/plain', 'nothing here'],
    [401, 'text/plain', 'no'],
    [301, 'text/plain', ''],
    [200, 'text/html', '<h1>sign in to the hotel’s network</h1>'],
  ])('for HTTP %i with %s that is not ours is no success', async (status, type, body) => {
    answer = { status, body, type };
    expect(await run('agents')).not.toBe(0);
  });

  it('for a server that is not there is 7', async () => {
    url = 'http://127.0.0.1:1';
    expect(await run('agents')).toBe(7);
    expect(await run('events')).toBe(7);
  });

  it('for what the parser does not take is 2', async () => {
    expect(await run('agents', '--nonsense')).toBe(2);
    expect(await run('nonsense')).toBe(2);
  });
});
