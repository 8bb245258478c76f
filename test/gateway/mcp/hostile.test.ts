import type { ServerResponse } from 'node:http';
import { request } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { type HostileUpstream, startHostileUpstream } from '../hostile-upstream.ts';
import {
  billingBot,
  callTool,
  closeAfterAll,
  makeRig,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilReady,
} from '../rig.ts';

let rig: Rig;
let gateway: RunningGateway;
let hostile: HostileUpstream;
beforeAll(async () => {
  rig = await makeRig();
  hostile = await startHostileUpstream();
  closeAfterAll(() => hostile.stop());
  rig.configure((config) => ({
    ...config,
    agents: [{ ...billingBot, tools: { 'hostile/*': 'allow' } }, readerBot],
    toolServers: [{ serverId: 'hostile', url: hostile.url, tiers: { act: 'read' } }],
  }));
  gateway = await rig.startGateway({ callTimeoutMs: 20_000 });
  await untilReady(gateway);
  hostile.misbehave = (response, { id }) =>
    void response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } }));
});

const act = async () => callTool(gateway, await rig.token(await rig.startTask()), 'hostile__act', {});
const mebibyte = Buffer.alloc(1024 * 1024, 'x');

/** As fast as it is taken, and what of it was taken before the other side had enough. */
function pour(response: ServerResponse, piece: Buffer, most: number): { taken: number; over: boolean } {
  const poured = { taken: 0, over: false };
  const more = (): void => {
    while (!response.destroyed && poured.taken < most) {
      poured.taken += piece.length;
      if (!response.write(piece)) return void response.once('drain', more);
    }
    poured.over = true;
  };
  response.once('close', () => {
    poured.over = true;
  });
  more();
  return poured;
}

describe('an upstream', () => {
  it.each(['application/json', 'text/event-stream'])(
    'that sends a gigabyte as %s is hung up on after some megabytes',
    async (type) => {
      let poured = { taken: 0, over: false };
      hostile.misbehave = (response) => {
        response.writeHead(200, { 'content-type': type });
        poured = pour(response, mebibyte, 1024 * mebibyte.length);
      };
      expect((await act()).meta).toMatchObject({ 'estop/decision': 'possibly-completed' });
      await until(() => poured.over);
      // One message may have four; the rest is what was on its way.
      expect(poured.taken).toBeLessThan(32 * mebibyte.length);
    },
  );

  it.each([
    ['10', 'more'],
    ['100000', 'less'],
  ])('that says %s bytes and sends %s is not believed', async (length) => {
    hostile.misbehave = (response, { id }) => {
      const { socket } = response;
      socket?.end(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}`,
      );
    };
    expect((await act()).meta).toMatchObject({ 'estop/decision': 'possibly-completed' });
  });

  it('that floods progress is answered for, and what it says of other requests is dropped', async () => {
    hostile.misbehave = (response, { id }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = (body: object): string => `data: ${JSON.stringify({ jsonrpc: '2.0', ...body })}\n\n`;
      for (let at = 0; at < 20_000; at += 1)
        response.write(
          event({
            method: 'notifications/progress',
            params: { progressToken: at % 2 === 0 ? id : 'another', progress: at },
          }),
        );
      response.end(event({ id, result: { content: [{ type: 'text', text: 'done' }] } }));
    };
    const token = await rig.token(await rig.startTask());
    const meta = { progressToken: 'mine' };
    const response = await fetch(`${gateway.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'hostile__act', arguments: {}, _meta: meta },
      }),
    });
    const told = await response.text();
    const progress = told.split('\n').filter((line) => line.includes('notifications/progress'));
    expect(progress.length).toBeGreaterThan(100);
    expect(progress.length).toBeLessThanOrEqual(2_000);
    expect(progress.every((line) => line.includes('"progressToken":"mine"'))).toBe(true);
    // The odd ones told of another's request.
    expect(progress.filter((line) => /"progress":\d*[13579]\D/.test(line))).toEqual([]);
    expect(told).toContain('"text":"done"');
  });
});

describe('a client', () => {
  it('that never reads costs no more than it was worth: what it does not fetch is dropped, and others are served', async () => {
    let poured = { taken: 0, over: false };
    let seen = '';
    hostile.misbehave = (response, { id }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      seen = id;
      const note = Buffer.from(
        `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: id, progress: 1, message: 'x'.repeat(64 * 1024) } })}\n\n`,
      );
      poured = pour(response, note, 32 * mebibyte.length);
    };
    const token = await rig.token(await rig.startTask());
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'hostile__act', arguments: {}, _meta: { progressToken: 1 } },
    });
    const lazy = request(`${gateway.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
    });
    lazy.on('response', (response) => response.pause());
    lazy.on('error', () => undefined);
    lazy.end(body);
    // The upstream is read on, whether the client reads or not: nothing waits here.
    await until(() => poured.over);
    expect(poured.taken).toBeGreaterThanOrEqual(32 * mebibyte.length);
    hostile.misbehave = (response, { id }) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'hello' }] } }));
    expect((await act()).text).toBe('hello');
    lazy.destroy();
    // Its going away ends the call that it had.
    await until(() => hostile.abandoned.includes(seen));
  });
});
