import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { type CallEnd, LiveCall } from '../../src/gateway/call/live-call.ts';
import { OpenCalls } from '../../src/gateway/fence/open-calls.ts';
import { ProcessWay } from '../../src/gateway/upstream/process-way.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSecretSealer } from '../../src/runtime/keys/secret-sealer.ts';
import { putSecret, removeSecret } from '../../src/store/secrets.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { billingBot, callTool, makeRig, type Reply, type Rig, type RunningGateway, until, untilReady } from './rig.ts';

/** Each was taken out once: `isFor` of a child, its drain and the end of it, withoutSecrets in child.ts, the credential's step for a process. */
let rig: Rig;
let gateway: RunningGateway;
const program = fileURLToPath(new URL('mcp/programs/telling-server.ts', import.meta.url));
const agent = { ...billingBot, tools: { 'telling/tell': 'allow' } } as const;
const put = (value: string) =>
  putSecret(rig.ledger.as('estop_control'), {
    name: 'in-env',
    ...createSecretSealer(openKeyRing(rig.keysFolder, 'secret', 'test')).seal('in-env', value),
    mayShareWith: [],
    actor: 'admin',
  });
const tell = async (task: TaskRecord, how: string): Promise<Reply> => {
  const token = await rig.token(task);
  return until(async () => {
    const reply = await callTool(gateway, token, 'telling__tell', { how });
    return reply.meta['estop/reason'] === 'tool-not-available' ? undefined : reply;
  });
};

beforeAll(async () => {
  rig = await makeRig();
  await put('canary-of-env');
  rig.configure((config) => ({
    ...config,
    agents: [agent],
    toolServers: [
      {
        serverId: 'telling',
        process: {
          command: process.execPath,
          args: [program],
          env: { PLAIN: 'plain', TOKEN: { secret: 'in-env' } },
        },
      },
    ],
  }));
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

it('a process gets its secret in its environment, and what it says of it goes no further', async () => {
  const task = await rig.startTask(agent);
  expect((await tell(task, 'length')).text).toBe('plain 13');
  const reply = await tell(task, 'token');
  expect(reply.isError).toBe(true);
  expect(JSON.stringify([reply.body, rig.logLines])).not.toContain('canary');
});

it('a process that was started with a secret which was rotated since ends, and another has the new one', async () => {
  const task = await rig.startTask(agent);
  expect((await tell(task, 'length')).text).toBe('plain 13');
  await put('canary-of-env-rotated');
  await until(async () => (await tell(task, 'length')).text === 'plain 21');
});

it('a process whose secret is gone is not asked', async () => {
  const task = await rig.startTask(agent);
  await tell(task, 'length');
  await removeSecret(rig.ledger.as('estop_control'), 'in-env', 'admin');
  await until(async () => (await tell(task, 'length')).meta['estop/reason'] === 'credential-unavailable');
  await put('canary-of-env');
});

it('a secret that no environment can hold denies, and is in no log', async () => {
  const task = await rig.startTask(agent);
  await until(async () => (await tell(task, 'length')).text === 'plain 13');
  await put('canary-of\0env');
  const other = await rig.startTask(agent);
  const reasonOf = async () => (await tell(other, 'length')).meta['estop/reason'];
  expect(await until(reasonOf)).toBe('credential-unavailable');
  expect(JSON.stringify(rig.logLines)).not.toContain('canary-of');
  await put('canary-of-env');
});

it('a process with a rotated secret takes no new call, ends with those it has, and is cut when they do not end', async () => {
  let value = 'old';
  const secrets = { ready: () => undefined, read: () => value };
  const env = { PLAIN: 'plain', TOKEN: { secret: 'in-env' } };
  const way = new ProcessWay({ command: process.execPath, args: [program], env }, secrets, 1_000);
  try {
    await way.discover();
    const openCalls = new OpenCalls();
    const bearer = { keys: [], agents: [], epoch: 1 };
    let calls = 0;
    const begin = async (how: string): Promise<() => Promise<CallEnd>> => {
      calls += 1;
      const child = way.forTask('task_1', { childId: `child_${calls}`, bearer, agentId: 'a', openCalls });
      if (child === undefined) throw new Error('no process was started');
      const call = new LiveCall(`call_${calls}`, bearer);
      const params = JSON.stringify({ name: 'tell', arguments: { how } });
      const asked = { taskId: 'task_1', agentId: 'bot', method: 'tools/call', name: 'tell', params, credential: null };
      expect(await call.prepare(child, asked, 10_000)).toBe(true);
      return () => call.write(60_000);
    };
    const never = (await begin('never'))();
    value = 'rotated';
    // While the old one still works, the next call goes to one that has the new secret.
    expect(JSON.stringify(await (await begin('length'))())).toContain('plain 7');
    expect(openCalls.has('child_1') && openCalls.has('child_2')).toBe(true);
    expect((await never).kind).toBe('lost');
    expect(openCalls.has('child_1')).toBe(false);
    expect(JSON.stringify(await (await begin('length'))())).toContain('plain 7');
    expect(openCalls.has('child_3')).toBe(false);
  } finally {
    await way.close();
  }
});
