import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeRig, post, postRaw, type Rig, type RunningGateway, untilReady } from './rig.ts';

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const aToken = async (): Promise<string> => rig.token(await rig.startTask());

describe('a body', () => {
  const call = (args: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"billing__get_invoice","arguments":${args}}}`;

  it.each([
    ['keys that stand twice in the arguments', call('{"invoice_id":"INV-1","invoice_id":"INV-2"}')],
    ['keys that stand twice around them', '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}'],
    ['half of a surrogate pair', call('{"invoice_id":"\\ud800"}')],
    ['an integer that is not exact', call('{"invoice_id":9007199254740993}')],
    ['nesting without end', call('['.repeat(2_000))],
    ['no JSON', 'hello'],
  ])('with %s is refused before anything is decided', async (_what, body) => {
    const reply = await postRaw(gateway, body, bearer(await aToken()));
    expect(reply).toMatchObject({ status: 400, body: { error: { code: -32_700 } } });
  });

  it('with a batch is refused, also with one of a single request', async () => {
    const token = await aToken();
    for (const body of [`[${call('{}')}]`, '[]']) {
      expect(await postRaw(gateway, body, bearer(token))).toMatchObject({
        status: 400,
        body: { error: { code: -32_600, message: expect.stringContaining('send each request by itself') } },
      });
    }
  });

  it('over one megabyte is refused with 413, told or not told in advance', async () => {
    const token = await aToken();
    const large = call(JSON.stringify({ invoice_id: 'x'.repeat(1024 * 1024) }));
    expect(await postRaw(gateway, large, bearer(token))).toMatchObject({
      status: 413,
      body: { code: 'body-too-large' },
    });
    const chunked = await new Promise<number | undefined>((resolve, reject) => {
      const sending = request(
        `${gateway.url}/mcp`,
        {
          method: 'POST',
          headers: { ...bearer(token), 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sending.on('error', reject);
      for (let part = 0; part < 20; part += 1) sending.write('x'.repeat(64 * 1024));
      sending.end();
    });
    expect(chunked).toBe(413);
  });

  it('whose client goes away in the middle of it is nobody’s error, or any client could fill the log with them', async () => {
    const { hostname, port } = new URL(gateway.url);
    const head = `POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${await aToken()}\r\n`;
    for (const path of ['/mcp', '/v1/responses']) {
      const socket = connect(Number(port), hostname);
      const closed = once(socket, 'close');
      socket.write(`${head.replace('/mcp', path)}content-type: application/json\r\ncontent-length: 100\r\n\r\n{`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.resetAndDestroy();
      await closed;
    }
    expect((await post(gateway, await aToken(), { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status).toBe(200);
    expect(rig.logLines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('of another media type is refused with 415', async () => {
    expect(
      (await postRaw(gateway, call('{}'), { ...bearer(await aToken()), 'content-type': 'text/plain' })).status,
    ).toBe(415);
  });

  it('whose headers say something else is refused by the newer revision', async () => {
    const token = await aToken();
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'billing__get_invoice', arguments: {}, _meta: meta },
    });
    const right = {
      ...bearer(token),
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'billing__get_invoice',
    };
    expect((await postRaw(gateway, body, right)).status).toBe(200);
    expect(
      (await postRaw(gateway, body, { ...right, 'mcp-name': '=?base64?YmlsbGluZ19fZ2V0X2ludm9pY2U=?=' })).status,
    ).toBe(200);
    for (const wrong of [
      { 'mcp-name': 'billing__list_invoices' },
      { 'mcp-method': 'tools/list' },
      { 'mcp-protocol-version': '2025-11-25' },
    ]) {
      expect(await postRaw(gateway, body, { ...right, ...wrong })).toMatchObject({
        status: 400,
        body: { error: { code: -32_020 } },
      });
    }
    const { 'mcp-name': _name, ...nameless } = right;
    expect(await postRaw(gateway, body, nameless)).toMatchObject({ status: 400, body: { error: { code: -32_020 } } });
  });

  it('with a revision nobody knows is told which ones are', async () => {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2099-01-01',
      'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: meta } });
    const reply = await postRaw(gateway, body, {
      ...bearer(await aToken()),
      'mcp-protocol-version': '2099-01-01',
      'mcp-method': 'server/discover',
    });
    expect(reply).toMatchObject({
      status: 400,
      body: { error: { code: -32_022, data: { supported: ['2026-07-28'] } } },
    });
  });
});

describe('methods', () => {
  it.each(['sampling/createMessage', 'tasks/get', 'tools/evil'])('%s is not served', async (method) => {
    const token = await aToken();
    expect(await post(gateway, token, { jsonrpc: '2.0', id: 1, method })).toMatchObject({
      status: 404,
      body: { error: { code: -32_601 } },
    });
    expect(await postRaw(gateway, JSON.stringify({ jsonrpc: '2.0', id: 1, method }), bearer(token))).toMatchObject({
      status: 200,
      body: { error: { code: -32_601 } },
    });
  });

  it('a handshake of the older revisions is answered, a notification taken, a ping returned', async () => {
    const token = await aToken();
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    };
    expect((await postRaw(gateway, JSON.stringify(initialize), bearer(token))).body).toMatchObject({
      result: { protocolVersion: '2025-06-18', capabilities: { tools: {} } },
    });
    expect(
      (await postRaw(gateway, '{"jsonrpc":"2.0","method":"notifications/initialized"}', bearer(token))).status,
    ).toBe(202);
    expect((await postRaw(gateway, '{"jsonrpc":"2.0","id":"p","method":"ping"}', bearer(token))).body).toEqual({
      jsonrpc: '2.0',
      id: 'p',
      result: {},
    });
  });

  it('model calls are not served without a token, nor of a model that the agent may not use', async () => {
    for (const path of ['/v1/chat/completions', '/v1/messages']) {
      expect((await fetch(`${gateway.url}${path}`, { method: 'POST', body: '{}' })).status).toBe(401);
      expect(
        (await fetch(`${gateway.url}${path}`, { method: 'POST', body: '{}', headers: bearer(await aToken()) })).status,
      ).toBe(404);
    }
  });
});

describe('the listener', () => {
  const statusOf = (headers: Record<string, string>, path = '/readyz', method = 'GET'): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      request({ hostname, port, path, method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });

  it('answers only under names that are its own, and no page of somebody’s browser', async () => {
    expect(await statusOf({ host: 'localhost:1234' })).toBe(200);
    expect(await statusOf({ host: 'evil.example' })).toBe(403);
    expect(await statusOf({ host: '127.0.0.1.evil.example' })).toBe(403);
    expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf({ origin: 'null' })).toBe(403);
    expect(await statusOf({ origin: 'http://localhost:3000' })).toBe(200);
  });

  it('knows no other path and no other method', async () => {
    expect(await statusOf({}, '/mcp')).toBe(405);
    expect(await statusOf({}, '/mcp', 'DELETE')).toBe(405);
    expect(await statusOf({}, '/admin')).toBe(404);
    expect(await statusOf({}, '/grants/a/b', 'POST')).toBe(404);
    expect(await statusOf({}, '/livez')).toBe(200);
  });
});
