import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { EstopError } from '../../src/core/errors.ts';
import { taskKey } from '../../src/core/scope-key.ts';
import { sendStopHint } from '../../src/store/stop-hints.ts';
import { stop } from '../store/ledger.ts';
import {
  callTool,
  makeRig,
  post,
  type Reply,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilFenced,
  untilNotReady,
  untilReady,
} from './rig.ts';

let rig: Rig;
let gateway: RunningGateway;
/** What goes wrong between this gateway and its ledger. */
let fault: 'none' | 'silent' = 'none';
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway({
    decorate: {
      ledger: (port) => ({
        ...port,
        admit: async (asked) => {
          if (fault === 'silent') throw new EstopError('store-unavailable');
          return port.admit(asked);
        },
      }),
    },
  });
  await untilReady(gateway);
});

const list = (token: string): Promise<Reply> => callTool(gateway, token, 'billing__list_invoices', {});
const backends = async (like: string): Promise<readonly unknown[]> =>
  (
    await rig.ledger.sql(
      'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND (query LIKE $1 OR application_name = $1)',
      [like],
    )
  ).map((row) => row['pid']);
const end = (pids: readonly unknown[]) =>
  rig.ledger.sql('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid', [pids]);

/** Calls again and again until it is told to end; says what came of each. */
function hammer(tokens: readonly string[]): { readonly replies: Reply[]; stop(): Promise<void> } {
  const replies: Reply[] = [];
  let more = true;
  const clients = tokens.map(async (token) => {
    while (more) replies.push(await list(token));
  });
  return {
    replies,
    stop: async () => {
      more = false;
      await Promise.all(clients);
    },
  };
}
const isServed = ({ status, isError }: Reply): boolean => status === 200 && !isError;
const tokensOf = (count: number): Promise<readonly string[]> =>
  Promise.all(Array.from({ length: count }, async () => rig.token(await rig.startTask())));

describe('a store', () => {
  it('that does not answer ADMIT denies: a store that does not answer ADMIT has admitted nothing', async () => {
    const task = await rig.startTask();
    const token = await rig.token(task);
    fault = 'silent';
    expect(await list(token)).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    fault = 'none';
    expect(rig.calls(task)).toEqual([]);
    expect(isServed(await list(token))).toBe(true);
  });

  it('that fails over under load, again and again, admits nothing that is not in its ledger', async () => {
    const before = rig.upstream.calls().length;
    const load = hammer(await tokensOf(12));
    for (let round = 0; round < 5; round += 1) {
      const served = load.replies.filter(isServed).length;
      await until(() => load.replies.filter(isServed).length > served + 20);
      await end(await backends('estop-gateway'));
    }
    await load.stop();
    const refused = load.replies.filter((reply) => !isServed(reply));
    for (const { status, body, meta } of refused)
      expect([status === 503 && body['code'], meta['estop/decision']]).toEqual(
        expect.arrayContaining([expect.stringMatching(/^store-unavailable$|^no-lease$|^possibly-completed$|^denied$/)]),
      );
    const arrived = rig.upstream.calls().slice(before);
    expect(arrived.length).toBeGreaterThanOrEqual(load.replies.filter(isServed).length);
    const ids = arrived.map(({ callId }) => callId);
    expect(new Set(ids).size).toBe(ids.length);
    const recorded = await rig.ledger.sql('SELECT call_id FROM estop.calls WHERE call_id = ANY ($1)', [ids]);
    expect(recorded).toHaveLength(ids.length);
    expect(isServed(await list((await tokensOf(1))[0] ?? ''))).toBe(true);
  });

  it('whose hints are lost is asked all the same, and listened to again', async () => {
    const [listener] = await backends('LISTEN%');
    expect(listener).toBeDefined();
    await end([listener]);
    const task = await rig.startTask();
    const call = callTool(gateway, await rig.token(task), 'billing__slow_report', { seconds: 60 });
    await until(() => rig.calls(task).length === 1);
    const { stopId, epoch } = await stop(rig.ledger, taskKey(task.taskId));
    await sendStopHint(rig.ledger.as('estop_stop'), epoch);
    expect((await call).meta).toMatchObject({ 'estop/decision': 'stopped', 'estop/stopId': stopId });
    await untilFenced(rig, stopId);
    const again = await until(async () => (await backends('LISTEN%')).filter((pid) => pid !== listener)[0]);
    expect(again).not.toBe(listener);
  });
});

describe('a lease that runs out under load', () => {
  it('ends every call, and nothing arrives upstream until the gateway may admit again', async () => {
    const load = hammer(await tokensOf(24));
    await until(() => load.replies.filter(isServed).length > 50);
    rig.heart.beating = false;
    await untilNotReady(gateway);
    const [arrived, answered] = [rig.upstream.calls().length, load.replies.length];
    // Every client has been told no at least once since.
    await until(() => load.replies.length > answered + 24 * 3);
    expect(rig.upstream.calls().length).toBe(arrived);
    for (const reply of load.replies.slice(answered + 24)) expect(reply).toMatchObject({ status: 503 });
    rig.heart.beating = true;
    await untilReady(gateway);
    await until(() => rig.upstream.calls().length > arrived);
    await load.stop();
  });
});

async function openSession(token: string): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  const response = await fetch(`${gateway.url}/mcp`, {
    method: 'POST',
    headers: {
      'authorization': `Bearer ${token}`,
      'content-type': 'application/json',
      'accept': 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  await response.arrayBuffer();
  return response.headers.get('mcp-session-id') ?? '';
}
const streamOf = (token: string, session: string): Promise<Response> =>
  fetch(`${gateway.url}/mcp`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'mcp-session-id': session },
  });

describe('a client', () => {
  it('that ignores its stop and every answer is told no as often as it asks, and costs nothing', async () => {
    const task = await rig.startTask();
    const token = await rig.token(task);
    const slow = callTool(gateway, token, 'billing__slow_report', { seconds: 60 });
    await until(() => rig.calls(task).length === 1);
    const { stopId } = await stop(rig.ledger, taskKey(task.taskId));
    const replies = await Promise.all(Array.from({ length: 200 }, () => list(token)));
    expect(new Set(replies.map(({ meta }) => meta['estop/decision']))).toEqual(new Set(['stopped']));
    expect((await slow).meta['estop/decision']).toBe('stopped');
    await untilFenced(rig, stopId);
    expect(rig.calls(task).length).toBe(1);
  });

  it('that opens sessions and streams without end keeps the newest, and nobody else pays for it', async () => {
    const [greedy, other] = await tokensOf(2);
    const first = await openSession(greedy ?? '');
    const others = await openSession(other ?? '');
    const stream = await streamOf(greedy ?? '', first);
    expect(stream.status).toBe(200);
    for (let count = 0; count < 64; count += 1) await openSession(greedy ?? '');
    expect((await streamOf(greedy ?? '', first)).status).toBe(404);
    // Its stream went with it.
    expect(await stream.text().catch(() => '')).not.toContain('never');
    expect((await streamOf(other ?? '', others)).status).toBe(200);
  });

  it('that has more in hand than there is memory for it is told to come again, and nobody else pays for it', async () => {
    const own = await rig.startGateway({ mostInHand: { ofAgent: 1_000_000, ofAll: 1_600_000 } });
    await untilReady(own);
    const tasks = [await rig.startTask(), await rig.startTask(readerBot), await rig.startTask(readerBot)] as const;
    const [token, other, third] = await Promise.all(tasks.map((task) => rig.token(task)));
    // A byte of a call may come to sixteen of memory.
    const call = (by = '', bytes = 40_000, name = 'list_invoices', args: object = {}, signal?: AbortSignal) => {
      const params = { name: `billing__${name}`, arguments: args, _meta: { pad: 'x'.repeat(bytes) } };
      return post(own, by, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, signal);
    };
    const busy = { status: 503, body: { code: 'busy' } };
    expect(await call(token, 70_000)).toMatchObject(busy);
    expect(isServed(await call(token))).toBe(true);
    const client = new AbortController();
    const slow = call(token, 40_000, 'slow_report', { seconds: 60 }, client.signal).catch(() => undefined);
    await until(() => rig.calls(tasks[0]).length === 2);
    expect(await call(token)).toMatchObject(busy);
    expect(isServed(await call(token, 10))).toBe(true);
    expect(isServed(await call(other))).toBe(true);
    const also = call(other, 40_000, 'slow_report', { seconds: 60 }, client.signal).catch(() => undefined);
    await until(() => rig.calls(tasks[1]).length === 2);
    // Of its agent there would be room, of all there is none.
    expect(await call(third, 20_500)).toMatchObject(busy);
    const model = await fetch(`${own.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: 'any', messages: [], pad: 'x'.repeat(400_000) }),
    });
    expect(await model.json()).toMatchObject({ error: { code: 'busy' } });
    client.abort();
    await Promise.all([slow, also]);
    // What was in hand is so no longer, as soon as its end is known here.
    await until(async () => isServed(await call(token)));
  });

  it('that sends its request a byte at a time is hung up on', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect({ host: hostname, port: Number(port) });
    let isOver = false;
    socket.on('error', () => undefined).once('close', () => (isOver = true));
    socket.resume().write(`POST /mcp HTTP/1.1\r\nhost: ${hostname}\r\n`);
    // It never stops by itself.
    const drip = setInterval(() => socket.write('x-more: x\r\n'), 500);
    await until(() => isOver).finally(() => {
      clearInterval(drip);
      socket.destroy();
    });
  });
});
