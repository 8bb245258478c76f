import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVersions } from '../../src/cli/versions.ts';
import { versionHeader } from '../../src/contract/version-header.ts';
import { readVersion } from '../../src/runtime/package-version.ts';
import { type CliRig, makeCliRig } from './rig.ts';

/** How an answer is, and what an API of another version makes of it. */
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly version: string | undefined;
}
const problem = (status: number, code: string): Omit<Answer, 'version'> => ({ status, text: JSON.stringify({ code }) });
const without = (text: string, field: string): string =>
  JSON.stringify(JSON.parse(text), (key, value: unknown) => (key === field ? undefined : value));

describe('a control API of another version than the command line', () => {
  let rig: CliRig;
  let other = (answer: Answer): Answer => answer;
  let url = '';
  // In front of the real one; only its answers are of another version.
  const server = createServer((request, response) => {
    void (async () => {
      const { method = 'GET', headers } = request;
      const { authorization = '', 'content-type': type = 'application/json' } = headers;
      const body = method === 'POST' ? await new Response(request as never).text() : null; // a stream of Node's is one of the web's here
      const answered = await fetch(new URL(request.url ?? '/', rig.control.url), {
        method,
        headers: { authorization, 'content-type': type },
        body,
      });
      const version = answered.headers.get(versionHeader) ?? undefined;
      const { status, text, version: said } = other({ status: answered.status, text: await answered.text(), version });
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(said === undefined ? {} : { [versionHeader]: said }),
      });
      response.end(text);
    })();
  });
  beforeAll(async () => {
    rig = await makeCliRig();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  });
  afterAll(() => void server.close());
  const run = (...words: readonly string[]) => rig.run(words, { env: { ESTOP_CONTROL_URL: url } });

  it('says its version with every answer of the API, refusals among them', async () => {
    const versionOf = async (path: string, init: RequestInit = {}): Promise<string | null> =>
      (await fetch(new URL(path, rig.control.url), init)).headers.get(versionHeader);
    const headers = { authorization: `Bearer ${rig.tokens.operator}` };
    expect(
      await Promise.all([
        versionOf('/v1/agents', { headers }),
        versionOf('/v1/agents'),
        versionOf('/v1/no-such-path', { headers }),
        versionOf('/v1/agents', { headers, method: 'PUT' }),
        versionOf('/v1/tasks?limit=x', { headers }),
        versionOf('/livez'),
      ]),
    ).toEqual([...Array.from({ length: 5 }, () => readVersion()), null]);
  });

  it.each([
    ['lacks a field that this program reads', (answer: Answer) => ({ ...answer, text: without(answer.text, 'reach') })],
    ['lacks the whole path', (answer: Answer) => ({ ...answer, ...problem(404, 'not-found') })],
    ['does not take what is asked for', (answer: Answer) => ({ ...answer, ...problem(422, 'invalid-input') })],
    ['says something else altogether', (answer: Answer) => ({ ...answer, text: '<h1>estop</h1>' })],
  ])('where it %s, says which side is older and what to do', async (_what, differently) => {
    other = (answer) => differently({ ...answer, version: '0.0.9' });
    const words = ['agents', 'billing-bot'];
    const before = await run(...words);
    expect(before.stderr).toContain(`${url} is version 0.0.9, this program ${readVersion()}: the server is older.`);
    expect(before.stderr).not.toContain('went wrong inside');
    other = (answer) => differently({ ...answer, version: '99.0.0' });
    expect((await run(...words)).stderr).toContain('this program is older. Update it.');
    other = (answer) => differently({ ...answer, version: undefined });
    expect((await run(...words)).stderr).toContain('says no version');
    // Of the same version it is no matter of versions.
    other = differently;
    const same = await run(...words);
    expect([same.code === 0, /older|says no version/.test(same.stderr)]).toEqual([false, false]);
  });

  it('says so to a program as well', async () => {
    other = () => ({ ...problem(404, 'not-found'), version: undefined });
    const { stdout } = await run('agents', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ code: 'not-found', advice: expect.stringContaining('says no version') });
  });

  it('says nothing of versions where they explain nothing', async () => {
    other = (answer) => ({ ...answer, version: '0.0.9' });
    const [fine, unknown] = [await run('agents'), await run('task', 'show', 'task_test_01h2xcejqtf2nbrexx3vqjhp41')];
    expect([fine.code, unknown.code]).toEqual([0, 5]);
    expect(fine.stderr + unknown.stderr).not.toContain('older');
  });

  it('still lets a stop be a stop: what it cannot tell of one is said, and the exit code is that of the order', async () => {
    other = (answer) => ({ ...answer, text: without(answer.text, 'stages'), version: '0.0.9' });
    for (const more of [[], ['--json']]) {
      const ran = await run('stop', 'agent', 'billing-bot', '--wait=5s', ...more);
      expect([ran.code, ran.stderr]).toEqual([
        6,
        expect.stringMatching(/cannot be seen from here.*the server is older/),
      ]);
      expect(ran.stderr).toMatch(/^latched agent:billing-bot/);
      if (more.length > 0)
        expect(JSON.parse(ran.stdout)).toMatchObject({ verdict: 'latched', receipt: { state: 'latched' }, stop: null });
    }
    // Somebody who may stop and not look.
    other = () => ({ ...problem(403, 'forbidden'), version: readVersion() });
    expect((await run('stop', 'agent', 'billing-bot', '--wait=5s')).code).toBe(6);
  });
});

describe('which of two versions is the older', () => {
  const advice = (server: string | undefined, own = '1.10.0'): string | undefined => {
    const versions = createVersions(() => own);
    versions.hear('http://control', server);
    return versions.advice();
  };
  it('is told by its numbers, and by nothing where they do not tell', () => {
    expect(advice('1.9.0')).toContain('the server is older');
    expect(advice('2.0.0')).toContain('this program is older');
    expect(advice('1.10.0')).toBeUndefined();
    expect(advice('1.10.0-rc.1')).toMatch(/Use the estop that belongs to the server/);
    expect(advice('unknown\u001b[2J')).toMatch(/unknown<U\+001B>/);
  });
  it('is the last that each server said', () => {
    const versions = createVersions(() => '1.0.0');
    versions.hear('http://control', '0.9.0');
    versions.hear('http://control', '1.0.0');
    expect(versions.advice()).toBeUndefined();
  });
});
