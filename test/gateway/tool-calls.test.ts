import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../store/ledger.ts';
import {
  billingBot,
  callTool,
  makeRig,
  post,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilReady,
} from './rig.ts';

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

describe('an agent at the gateway', () => {
  it('lists the tools it may call, under the name of their server, and no other', async () => {
    const token = await rig.token(await rig.startTask({ ...billingBot }));
    const { body } = await until(async () => {
      const reply = await post(gateway, token, { jsonrpc: '2.0', id: 1, method: 'tools/list' });
      return JSON.stringify(reply.body).includes('billing__') && reply;
    });
    const result = body['result'] as {
      readonly tools: readonly { readonly name: string }[];
      readonly cacheScope: string;
    };
    expect(result.tools.map(({ name }) => name).sort()).toEqual([
      'billing__get_invoice',
      'billing__list_invoices',
      'billing__refund_payment',
      'billing__send_reminder',
      'billing__slow_report',
    ]);
    expect(result.cacheScope).toBe('private');
  });

  it('calls a tool, and the upstream sees exactly the canonical bytes, the ledger’s call id and the task', async () => {
    const task = await rig.startTask();
    const reply = await callTool(gateway, await rig.token(task), 'billing__send_reminder', {
      note: 'please\u00e9',
      invoice_id: 'INV-1',
    });
    expect(reply).toMatchObject({ status: 200, isError: false, text: 'A reminder for INV-1 was sent.' });
    const [call] = rig.calls(task);
    const [line] = rig.upstream.log().filter((one) => one.event === 'arrived' && one.taskId === task.taskId);
    expect(line?.body).toContain('"arguments":{"invoice_id":"INV-1","note":"pleaseé"}');
    const rows = await until(async () => {
      const found = await rig.ledger.sql(
        'SELECT call_id, outcome FROM estop.calls WHERE task_id = $1 AND settled_at IS NOT NULL',
        [task.taskId],
      );
      return found.length > 0 && found;
    });
    expect(rows).toEqual([{ call_id: call?.callId, outcome: 'completed' }]);
  });

  it('speaks the official client’s language, of both eras', async () => {
    for (const mode of ['legacy', 'auto'] as const) {
      const token = await rig.token(await rig.startTask());
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
          requestInit: { headers: { authorization: `Bearer ${token}` } },
        }),
      );
      expect(client.getProtocolEra()).toBe(mode === 'auto' ? 'modern' : 'legacy');
      const { tools } = await client.listTools();
      expect(tools.length).toBe(5);
      const result = await client.callTool({ name: 'billing__get_invoice', arguments: { invoice_id: 'INV-2' } });
      expect(JSON.stringify(result.content)).toContain('Grace Hopper');
      await client.close();
    }
  });

  it('is denied a tool that is not on its list, and nothing arrives upstream', async () => {
    rig.configure((config) => ({
      ...config,
      agents: [{ ...billingBot, tools: { 'billing/get_invoice': 'allow' } }, readerBot],
    }));
    const task = await rig.startTask();
    const reply = await callTool(gateway, await rig.token(task), 'billing__send_reminder', { invoice_id: 'INV-1' });
    rig.configure((config) => ({ ...config, agents: [billingBot, readerBot] }));
    expect(reply).toMatchObject({
      status: 200,
      isError: true,
      meta: { 'estop/decision': 'denied', 'estop/reason': 'tool-not-available' },
    });
    expect(rig.calls(task)).toEqual([]);
  });

  it.each(['billing__nothing', 'nobody__send_reminder', 'send_reminder', '__proto__', 'billing__', ''])(
    'is denied the unknown tool %j',
    async (name) => {
      const task = await rig.startTask();
      const reply = await callTool(gateway, await rig.token(task), name, {});
      expect(reply.meta).toMatchObject({ 'estop/decision': 'denied', 'estop/reason': 'tool-not-available' });
    },
  );

  it('is denied arguments that do not fit the pinned schema', async () => {
    const task = await rig.startTask();
    const reply = await callTool(gateway, await rig.token(task), 'billing__get_invoice', { invoice_id: 7 });
    expect(reply.meta).toMatchObject({ 'estop/decision': 'denied', 'estop/reason': 'invalid-arguments' });
    expect(rig.calls(task)).toEqual([]);
  });

  it('is denied when its task has ended, is held, or was never registered', async () => {
    const [ended, held] = [await rig.startTask(), await rig.startTask()];
    await rig.ledger.sql("SELECT estop.close_tasks(ARRAY[$1], 'done')", [ended.taskId]);
    await rig.ledger.sql('UPDATE estop.tasks SET held = true WHERE task_id = $1', [held.taskId]);
    const unknown = { ...held, taskId: newId('task') };
    const reasons = [];
    for (const task of [ended, held, unknown])
      reasons.push(
        (await callTool(gateway, await rig.token(task), 'billing__list_invoices', {})).meta['estop/decision'],
      );
    expect(reasons).toEqual(['denied', 'held', 'denied']);
    expect([...rig.calls(ended), ...rig.calls(held)]).toEqual([]);
  });
});
