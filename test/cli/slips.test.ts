import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../kit/temp-folder.ts';
import { runCli } from './rig.ts';

/** What people meet before anything of estop runs for them. */
describe('a command where no estop is known', () => {
  const folder = tempFolder();
  const run = (...words: readonly string[]) => runCli(words, { cwd: folder });

  it('says where it looked for a token', async () => {
    const [here, elsewhere] = [await run('now'), await run('--state', 'nope', 'now')];
    expect([here.code, elsewhere.code]).toEqual([4, 4]);
    expect(here.stderr).toContain(`there is no .estop/connection.json in ${folder} or a folder above it`);
    expect(elsewhere.stderr).toContain(`there is no ${join(folder, 'nope', 'connection.json')}`);
  });

  it('of a stop says NOT STOPPED, and what --direct would need before anybody tries that', async () => {
    const [plain, direct] = [await run('stop', 'agent', 'x'), await run('stop', 'agent', 'x', '--direct')];
    const needs = /ESTOP_DIRECT_URL.* or ESTOP_TEMPORAL_ADDRESS/;
    expect(plain).toMatchObject({ code: 4, stderr: expect.stringMatching(/NOT STOPPED[^]*--direct/) });
    expect(plain.stderr).toMatch(needs);
    expect(direct).toMatchObject({ code: 2, stderr: expect.stringContaining('NOT STOPPED') });
    expect(direct.stderr).toMatch(needs);
    const known = await runCli(['stop', 'agent', 'x'], { cwd: folder, env: { ESTOP_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    expect(known.stderr).not.toMatch(needs);
  });

  it('says what the kind of a scope was to be, where that can be seen', async () => {
    const say = async (scope: string) => (await run('stop', 'scope', scope)).stderr;
    for (const [typed, was] of [
      ['agnet:billing-bot', 'agent:billing-bot'],
      ['flete', 'fleet'],
      ['tools:mail/send', 'tool:mail/send'],
    ] as const)
      expect(await say(typed)).toContain(`model:M. Did you mean ${was}?`);
    for (const typed of ['wallet:x', 'agnet:', 'agnet:Not A Name'])
      expect(await say(typed)).not.toContain('Did you mean');
  });

  it('prints settings of a client, and that nobody said where the gateway is', async () => {
    const guessed = await run('connect', 'codex');
    expect(guessed).toMatchObject({ code: 0, stderr: expect.stringContaining('Nobody said where the gateway is') });
    const told = await runCli(['connect', 'codex'], { cwd: folder, env: { ESTOP_GATEWAY_URL: 'http://127.0.0.1:9' } });
    expect(told).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Nobody said') });
  });
});

it('a configuration that cannot run says each fault once, from top to bottom', async () => {
  const folder = tempFolder();
  writeFileSync(
    join(folder, 'estop.yaml'),
    'agnets: {}\nmodels:\n  small: { provider: openapi, model: x, price: 1 }\n',
  );
  const { code, stderr } = await runCli(['dev'], { cwd: folder });
  expect(code).toBe(1);
  expect([...stderr.matchAll(/estop\.yaml:(\d+):/g)].map(([, line]) => Number(line))).toEqual([1, 3, 3]);
  expect(stderr.match(/agnets/g)).toHaveLength(2); // where, and which
});

it('help of a command within a command is the help of that one', async () => {
  const [by, of] = [await runCli(['help', 'stop', 'agent'], {}), await runCli(['stop', 'agent', '--help'], {})];
  expect(by).toEqual({ ...of, code: 0 });
  expect(by.stdout).toContain('Usage: estop stop agent ');
});
