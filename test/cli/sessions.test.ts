import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { clientNames, settingsFor } from '../../src/cli/client-settings.ts';
import { requires } from '../kit/requires.ts';
import { type CliRig, makeCliRig } from './rig.ts';

requires('temporal')('estop task open, and estop connect', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });
  const run = (...args: readonly string[]) =>
    rig.run(args, { env: { ESTOP_TOKEN: rig.tokens.service, ESTOP_GATEWAY_URL: 'http://127.0.0.1:7999' } });
  const opened = async (): Promise<string> => {
    const ran = await run('task', 'open', '--agent', 'billing-bot', '--json');
    return (JSON.parse(ran.stdout) as { task: { taskId: string } }).task.taskId;
  };

  it('opening prints the task, its token and where to bring it', async () => {
    const ran = await run('task', 'open', '--agent', 'billing-bot', '--idle', '10m');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/task\s+task_test_/);
    expect(ran.stdout).toContain('http://127.0.0.1:7999/mcp');
    expect(ran.stdout).toMatch(/token\s+ey[\w-]+\.[\w-]+\.[\w-]+/);
    expect(ran.stderr).toContain('estop task close task_test_');
  });

  it('a token is renewed, also as the header that a client asks a helper for', async () => {
    const taskId = await opened();
    const plain = await run('task', 'token', taskId);
    expect(plain.stdout).toMatch(/^ey[\w.-]+\n$/);
    const { Authorization } = JSON.parse((await run('task', 'token', taskId, '--header')).stdout) as Record<
      string,
      string
    >;
    expect(Authorization).toMatch(/^Bearer ey/);
  });

  it('closing tells the session; a session that nobody opened is not found', async () => {
    const ran = await run('task', 'close', await opened());
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('told to close')]);
    expect((await run('task', 'close', 'task_test_00000000000000000000000000')).code).toBe(5);
  });

  it.each(clientNames)('connect %s prints its configuration and nothing else, without a token', async (client) => {
    const ran = await run('connect', client, '--agent', 'billing-bot');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('http://127.0.0.1:7999/mcp');
    expect(ran.stdout).not.toMatch(/ey[\w-]{20}/);
    if (client !== 'codex') expect(() => JSON.parse(ran.stdout) as unknown).not.toThrow();
    expect(ran.stderr).toMatch(/estop stop task task_test_/);
  });

  it('an open session can be connected', async () => {
    const taskId = await opened();
    const ran = await run('connect', 'claude-code', '--task', taskId);
    expect(ran.stdout).toContain(`task token ${taskId} --header`);
  });

  it('what a client is told to run for a token works wherever it runs it', async () => {
    const ran = await rig.run(['connect', 'claude-code', '--task', await opened(), '--state', rig.stateFolder]);
    const { headersHelper } = (JSON.parse(ran.stdout) as { mcpServers: { estop: { headersHelper: string } } })
      .mcpServers.estop;
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', headersHelper], {
      cwd: '/',
      env: { PATH: '/nowhere' },
    });
    expect(JSON.parse(stdout)).toEqual({ Authorization: expect.stringMatching(/^Bearer ey/) });
  });

  it.each(clientNames)(
    'connect %s without an agent prints how the client signs in by itself, and opens nothing',
    async (client) => {
      const before = await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.tasks', []);
      const ran = await run('connect', client);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain('http://127.0.0.1:7999/mcp');
      expect(ran.stdout).not.toMatch(/Authorization|bearer_token|ESTOP_TASK_TOKEN/);
      expect(ran.stdout.includes('client_credentials')).toBe(client === 'generic');
      expect(await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.tasks', [])).toEqual(before);
    },
  );

  it.each([
    [
      'gemini-cli',
      { mcpServers: { estop: { httpUrl: 'http://x/mcp', headers: { Authorization: 'Bearer $ESTOP_TASK_TOKEN' } } } },
    ],
    [
      'windsurf',
      {
        mcpServers: {
          estop: { serverUrl: 'http://x/mcp', headers: { Authorization: 'Bearer ${env:ESTOP_TASK_TOKEN}' } },
        },
      },
    ],
    [
      'zed',
      { context_servers: { estop: { url: 'http://x/mcp', headers: { Authorization: 'Bearer <ESTOP_TASK_TOKEN>' } } } },
    ],
    [
      'cline',
      {
        mcpServers: {
          estop: {
            type: 'streamableHttp',
            url: 'http://x/mcp',
            headers: { Authorization: 'Bearer <ESTOP_TASK_TOKEN>' },
          },
        },
      },
    ],
  ] as const)('%s reads the address and the token under the names of its own documentation', (client, settings) => {
    expect(JSON.parse(settingsFor(client, 'http://x/mcp', 'task_x').text)).toEqual(settings);
  });

  it('settings that carry the token by name never carry it by value', () => {
    for (const client of clientNames)
      expect(settingsFor(client, 'http://x/mcp', 'task_x').text).not.toMatch(/Bearer ey/);
  });
});
