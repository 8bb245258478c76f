import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cast } from '../../examples/demo/cast.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { startStage, until } from './stage.ts';

const run = promisify(execFile);
let cast: Cast;
beforeAll(async () => {
  cast = await startStage();
}, 120_000);
afterAll(async () => {
  await cast?.stop();
}, 60_000);

/** The command line as a person types it, against everything that runs. */
const estop = async (...args: readonly string[]): Promise<string> =>
  (
    await run(
      process.execPath,
      [join(packageRoot, 'dist', 'src', 'cli', 'main.js'), ...args, '--state', dirname(cast.installation.profilePath)],
      { cwd: dirname(cast.installation.profilePath) },
    )
  ).stdout;

interface Opened {
  readonly task: { readonly taskId: string };
  readonly token: string;
  readonly gateway: string;
}

async function openSession(): Promise<{ readonly taskId: string; readonly client: Client }> {
  const { task, token, gateway } = JSON.parse(
    await estop('task', 'open', '--agent', 'billing-bot', '--json'),
  ) as Opened;
  await until('a running session', async () => (await cast.service.tasks.get(task.taskId)).state === 'running');
  const client = new Client({ name: 'outside', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway), { requestInit }));
  return { taskId: task.taskId, client };
}

async function isRefused(client: Client): Promise<boolean> {
  try {
    return (await client.callTool({ name: 'billing__list_invoices', arguments: {} })).isError === true;
  } catch {
    return true;
  }
}
const arrived = (taskId: string): number => cast.world.tools.calls().filter((call) => call.taskId === taskId).length;

describe('an agent that runs outside', () => {
  it('is stopped by `estop stop` in the middle of its work; its grants are dead and its target hears no more', async () => {
    const { taskId, client } = await openSession();
    const other = await openSession();
    const hammer = async (): Promise<void> => {
      while (!(await isRefused(client)));
    };
    const hammering = [hammer(), hammer()];
    await until('some calls', async () => arrived(taskId) > 10);
    // It exits with zero, which is what it has for proved alone.
    expect(await estop('stop', 'task', taskId, '--wait=90s', '--reason', 'drill')).toMatch(/^stop_dev_/);
    await Promise.all(hammering);
    const atStop = arrived(taskId);
    for (let more = 0; more < 10; more += 1) expect(await isRefused(client)).toBe(true);
    expect(arrived(taskId)).toBe(atStop);
    expect(await cast.service.tasks.get(taskId)).toMatchObject({ kind: 'session', state: 'closed' });
    // The session beside it goes on, until it is closed.
    expect(await isRefused(other.client)).toBe(false);
    await estop('task', 'close', other.taskId);
    await until('its end', async () => (await cast.service.tasks.get(other.taskId)).state === 'closed');
    expect((await cast.service.tasks.get(other.taskId)).outcome).toBe('closed');
    expect(await isRefused(other.client)).toBe(true);
    await until('the end of its grants', async () => {
      const { entries } = await cast.service.tasks.history(other.taskId);
      const count = (kind: string): number => entries.filter((entry) => entry.kind === kind).length;
      return count('grant.issued') > 0 && count('grant.ended') === count('grant.issued');
    });
  }, 240_000);
});
