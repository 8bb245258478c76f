import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { itWhere } from '../../kit/requires.ts';
import { tempFolder } from '../../kit/temp-folder.ts';
import { stop as latch } from '../../store/ledger.ts';
import {
  billingBot,
  callTool,
  makeRig,
  type Reply,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilFenced,
  untilReady,
} from '../rig.ts';

const program = join(import.meta.dirname, 'programs/stubborn-server.ts');
const tools = ['act', 'hang', 'flood', 'shout', 'crash'];

let rig: Rig;
let gateway: RunningGateway;
let logPath: string;
beforeAll(async () => {
  rig = await makeRig();
  logPath = join(rig.folder, 'stubborn.jsonl');
  process.env['ESTOP_TEST_LEAK'] = 'must not reach a child';
  rig.configure((config) => ({
    ...config,
    agents: [{ ...billingBot, tools: { 'stubborn/*': 'allow' } }, readerBot],
    toolServers: [
      {
        serverId: 'stubborn',
        process: { command: process.execPath, args: [program], env: { LOG_PATH: logPath } },
        tiers: Object.fromEntries(tools.map((tool) => [tool, 'read' as const])),
      },
    ],
  }));
  gateway = await rig.startGateway({ callTimeoutMs: 20_000 });
  await untilReady(gateway);
  const token = await rig.token(await rig.startTask());
  await until(async () => (await callTool(gateway, token, 'stubborn__act', {})).text === 'done');
});

interface Line {
  readonly pid: number;
  readonly event?: string;
  readonly tool?: string;
  readonly child?: number;
  readonly env?: readonly string[];
  readonly uid?: number;
}
const lines = (path = logPath): readonly Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line); // written by the program

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

async function hanging(
  task: TaskRecord,
): Promise<{ readonly call: Promise<Reply>; readonly pid: number; readonly grandchild: number }> {
  const before = lines().length;
  const call = callTool(gateway, await rig.token(task), 'stubborn__hang', {});
  const line = await until(() =>
    lines()
      .slice(before)
      .find(({ event }) => event === 'grandchild'),
  );
  return { call, pid: line.pid, grandchild: line.child ?? 0 };
}

describe('a tool server that is a process', () => {
  it('gets an environment of its own, and none of the gateway’s', () => {
    expect(lines()[0]?.env).toEqual(['LOG_PATH', 'PATH']);
  });

  it('is another for every task', async () => {
    const tasks = [await rig.startTask(), await rig.startTask()];
    const pids = new Set<number>();
    for (const task of tasks) {
      expect((await callTool(gateway, await rig.token(task), 'stubborn__act', {})).text).toBe('done');
      pids.add(lines().findLast(({ event }) => event === 'called')?.pid ?? 0);
    }
    expect(pids.size).toBe(2);
  });

  it('is killed at a stop with all that it started, though it ignores every signal; that of another task is not', async () => {
    const [stopped, other] = [await rig.startTask(), await rig.startTask()];
    const first = await hanging(stopped);
    const second = await hanging(other);
    const { stopId } = await latch(rig.ledger, `task:${stopped.taskId}`);
    expect((await first.call).meta).toMatchObject({
      'estop/decision': 'stopped',
      'estop/reason': 'possibly-completed',
    });
    await until(() => !isRunning(first.pid) && !isRunning(first.grandchild));
    await untilFenced(rig, stopId);
    expect([isRunning(second.pid), isRunning(second.grandchild)]).toEqual([true, true]);
    await latch(rig.ledger, `task:${other.taskId}`);
    await second.call;
    await until(() => !isRunning(second.pid) && !isRunning(second.grandchild));
  });

  it('is killed at a stop of just the call that its client has gone away from', async () => {
    const task = await rig.startTask();
    const before = lines().length;
    const client = new AbortController();
    const { signal } = client;
    const call = callTool(gateway, await rig.token(task), 'stubborn__hang', {}, signal).catch(() => 'gone');
    const { pid, child = 0 } = await until(() =>
      lines()
        .slice(before)
        .find(({ event }) => event === 'grandchild'),
    );
    client.abort();
    expect(await call).toBe('gone');
    await until(async () => {
      const sql = 'SELECT outcome FROM estop.calls WHERE task_id = $1';
      return (await rig.ledger.sql(sql, [task.taskId]))[0]?.['outcome'] === 'possibly-completed';
    });
    expect([isRunning(pid), isRunning(child)]).toEqual([true, true]);
    await latch(rig.ledger, 'tool:stubborn/hang');
    await until(() => !isRunning(pid) && !isRunning(child));
  });

  it('is killed at a stop also while nothing is asked of it', async () => {
    const task = await rig.startTask();
    await callTool(gateway, await rig.token(task), 'stubborn__act', {});
    const { pid } = lines().findLast(({ event }) => event === 'called') ?? { pid: 0 };
    expect(isRunning(pid)).toBe(true);
    await latch(rig.ledger, `task:${task.taskId}`);
    await until(() => !isRunning(pid));
  });

  it('that floods is answered for all the same; one that says a line without end, or dies, is gone, and comes again', async () => {
    const task = await rig.startTask();
    const token = await rig.token(task);
    expect((await callTool(gateway, token, 'stubborn__flood', {})).text).toBe('flooded');
    for (const tool of ['stubborn__shout', 'stubborn__crash']) {
      expect(
        (
          await until(async () => {
            const reply = await callTool(gateway, token, tool, {});
            // Until its back-off is over it cannot be started.
            return reply.meta['estop/reason'] !== 'upstream-unavailable' && reply;
          })
        ).meta,
      ).toMatchObject({ 'estop/decision': 'possibly-completed' });
    }
    await until(async () => (await callTool(gateway, token, 'stubborn__act', {})).text === 'done');
  });
});

describe('a server with an account of its own', () => {
  const isRoot = process.getuid?.() === 0;

  itWhere(isRoot, 'only root can start a server under another account')(
    'runs under it, and is killed at a stop all the same',
    async () => {
      const folder = tempFolder();
      chmodSync(folder, 0o777);
      const log = join(folder, 'own.jsonl');
      const own = await gatewayWith(log, 'nobody');
      const task = await rig.startTask();
      const token = await rig.token(task);
      await until(async () => (await callTool(own, token, 'stubborn__act', {})).text === 'done');
      const running = lines(log).findLast(({ event }) => event === 'called') ?? { pid: 0 };
      const uids = new Set(lines(log).flatMap(({ uid }) => (uid === undefined ? [] : [uid])));
      expect(uids.size).toBe(1);
      expect(uids.has(0)).toBe(false);
      expect(readFileSync(`/proc/${running.pid}/status`, 'utf8')).toMatch(/^Groups:[ \t]*$/m);
      await latch(rig.ledger, `task:${task.taskId}`);
      await until(() => !isRunning(running.pid));
    },
  );

  it('that there is not is not started, under no other account either', async () => {
    const log = join(rig.folder, 'nobody-there.jsonl');
    const own = await gatewayWith(log, 'no-such-account-here');
    const token = await rig.token(await rig.startTask());
    expect((await callTool(own, token, 'stubborn__act', {})).isError).toBe(true);
    expect(() => lines(log)).toThrow();
  });

  /** The same server, for the others as it was. */
  async function gatewayWith(log: string, user: string): Promise<RunningGateway> {
    const { config } = rig.deps();
    const current = config.current();
    const toolServers = current.toolServers.map((server) => ({
      ...server,
      process: { command: process.execPath, args: [program], env: { LOG_PATH: log }, user },
    }));
    const own = await rig.startGateway({ config: { current: () => ({ ...current, toolServers }) } });
    await untilReady(own);
    return own;
  }
});
