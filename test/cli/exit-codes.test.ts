import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit-code.ts';
import { problemMediaType, problemOf } from '../../src/contract/problem.ts';
import { type ErrorCode, EstopError, errorCatalogue } from '../../src/core/errors.ts';
import { mainPath } from './rig.ts';

/** Pinned by hand: scripts rely on these. A status that is not here has none yet. */
const ofStatus: Readonly<Record<number, number>> = {
  400: 2,
  401: 4,
  403: 4,
  404: 5,
  405: 1,
  409: 1,
  413: 2,
  415: 1,
  421: 1,
  422: 2,
  500: 1,
  502: 1,
  503: 1,
  504: 1,
};
/** Where one error of a status means another thing to a script than the others do. */
const ofCode: Partial<Record<ErrorCode, number>> = {
  'needs-second-person': 3,
  'unreachable': 7,
  // Nothing that was typed is wrong.
  'config-invalid': 1,
  'address-refused': 1,
};
const codes = Object.keys(errorCatalogue) as readonly ErrorCode[]; // its own keys
/** One error for every status that the catalogue has. */
const byStatus = new Map<number, ErrorCode>();
for (const code of codes) {
  const { status } = errorCatalogue[code];
  if (!byStatus.has(status)) byStatus.set(status, code);
}
const expected = (code: ErrorCode): number | undefined => ofCode[code] ?? ofStatus[errorCatalogue[code].status];

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
  it('is pinned for every error that there is, and is success for none', () => {
    expect(codes.map((code) => [code, exitCodeOf(code)])).toEqual(codes.map((code) => [code, expected(code)]));
    expect(codes.filter((code) => exitCodeOf(code) === 0 || expected(code) === undefined)).toEqual([]);
  });

  it.each([...byStatus])(
    'for HTTP %i (%s) is never success, and one that scripts can rely on',
    async (status, code) => {
      answer = { status, body: JSON.stringify(problemOf(new EstopError(code), 'req_test_x')), type: problemMediaType };
      // What looks, and what stops: a stop that was refused is never taken for one.
      const exits = await Promise.all([run('agents'), run('stop', 'agent', 'billing-bot', '--no-wait')]);
      expect(exits).toEqual([expected(code), expected(code)]);
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
