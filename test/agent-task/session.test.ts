import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { taskKey } from '../../src/core/scope-key.ts';
import { latch } from '../../src/store/latch.ts';
import { getTask } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { newTaskId } from './ledger.ts';
import { workerToken } from './token-door.ts';
import { callsOf, taskIdOf, until } from './watch.ts';

const hour = 3_600_000;
const inAnHour = (): string => new Date(Date.now() + hour).toISOString();

requires('temporal')('a session of an agent that runs outside', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      agents: [agentSpec('outsider', { tools: { 'billing/*': 'allow', 'billing/refund_payment': 'ask' } })],
      scripts: { none: [] },
    });
  });
  afterAll(() => stack.stop());

  const open = (session = { idleMs: hour, endsAt: inAnHour() }): Promise<TaskHandle> =>
    stack.start('none', { session });
  const state = async (handle: TaskHandle): Promise<string | undefined> =>
    (await getTask(stack.ledger.control, taskIdOf(handle)))?.state;
  const running = (handle: TaskHandle) => until(async () => (await state(handle)) === 'running');

  /** The official client, as any agent uses it, with nothing but the session's token. */
  async function connect(handle: TaskHandle): Promise<Client> {
    const answer = await fetch(`${stack.controlUrl}/v1/tasks/${taskIdOf(handle)}/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${workerToken}` },
    });
    const { token } = (await answer.json()) as { token: string };
    const client = new Client({ name: 'outside', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${stack.gateway.url}/mcp`), { requestInit }));
    return client;
  }
  const list = (client: Client) => client.callTool({ name: 'billing__list_invoices', arguments: {} });
  const isRefused = async (client: Client): Promise<boolean> => {
    try {
      return (await list(client)).isError === true;
    } catch {
      return true;
    }
  };
  const timeline = async (handle: TaskHandle): Promise<readonly string[]> =>
    (await handle.query<readonly { readonly what: string }[]>('timeline')).map(({ what }) => what);

  it('is governed like a task: its agent calls through the gateway, until a kill signal ends it', async () => {
    const handle = await open();
    await running(handle);
    const client = await connect(handle);
    expect((await list(client)).isError).not.toBe(true);
    expect(callsOf(stack, handle)).toEqual(['list_invoices']);
    await handle.signal('kill');
    const result = await handle.result();
    expect(result.outcome).toBe('stopped');
    expect(await isRefused(client)).toBe(true);
    expect(callsOf(stack, handle)).toEqual(['list_invoices']);
    await client.close().catch(() => undefined);
  });

  it('is ended by a stop while its agent keeps calling; nothing reaches the target after it is known', async () => {
    const handle = await open();
    await running(handle);
    const client = await connect(handle);
    let isLatched = false;
    // A refusal before that is a lease that a starved machine let end.
    const hammer = async (): Promise<void> => {
      for (;;) {
        if (!(await isRefused(client))) continue;
        if (isLatched) return;
        await sleep(50);
      }
    };
    const hammering = [hammer(), hammer()];
    await until(() => callsOf(stack, handle).length > 5);
    const stopId = newTaskId().replace('task_', 'stop_');
    const order = { stopId, scopeKey: taskKey(taskIdOf(handle)), reason: 'r', actor: 'Olga' } as const;
    expect((await latch(stack.ledger.latch, { ...order, category: 0, graceMs: 0, method: 'api' })).kind).toBe(
      'latched',
    );
    isLatched = true;
    await Promise.all(hammering);
    const atStop = callsOf(stack, handle).length;
    for (let more = 0; more < 20; more += 1) expect(await isRefused(client)).toBe(true);
    expect(JSON.stringify(await list(client))).toContain(stopId);
    expect(callsOf(stack, handle).length).toBe(atStop);
    await handle.signal('kill'); // as the fan-out does
    expect((await handle.result()).outcome).toBe('stopped');
    await client.close().catch(() => undefined);
  });

  it('waits on hold, goes on when it is released, and ends when it is closed', async () => {
    const handle = await open();
    await running(handle);
    await handle.signal('hold');
    await until(async () => (await stack.status(handle)).state === 'held');
    await handle.signal('release');
    await until(async () => (await stack.status(handle)).state === 'running');
    const client = await connect(handle);
    await list(client);
    await list(client);
    await handle.signal('close', { actor: 'Olga' });
    expect(await handle.result()).toMatchObject({ outcome: 'closed', answer: 'closed by Olga', steps: 2 });
    expect(await getTask(stack.ledger.control, taskIdOf(handle))).toMatchObject({
      kind: 'session',
      state: 'closed',
      outcome: 'closed',
    });
    expect(await isRefused(client)).toBe(true);
    expect(callsOf(stack, handle).length).toBe(2);
    await client.close().catch(() => undefined);
  });

  it('ends by itself when nothing is called, and at its end whatever is called', async () => {
    const idle = await open({ idleMs: 1_000, endsAt: inAnHour() });
    expect((await idle.result()).outcome).toBe('idle');
    const short = await open({ idleMs: hour, endsAt: new Date(Date.now() + 2_000).toISOString() });
    expect((await short.result()).outcome).toBe('expired');
    expect(await state(short)).toBe('closed');
  });

  it('keeps one line of history for many calls', async () => {
    const handle = await open({ idleMs: 6_000, endsAt: inAnHour() });
    await running(handle);
    const client = await connect(handle);
    for (let call = 0; call < 60; call += 1) while (await isRefused(client));
    await handle.signal('close', { actor: 'Olga' });
    await handle.result();
    const lines = (await timeline(handle)).filter((what) => what.includes('calls'));
    expect(lines.at(-1)).toContain('60 in all');
    expect(lines.length).toBeLessThan(10);
    const { historyLength } = await handle.describe();
    expect(historyLength).toBeLessThan(200);
    await client.close();
  });
});
