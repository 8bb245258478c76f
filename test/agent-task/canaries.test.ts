import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Payload } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SecretAt } from '../../src/contract/config.ts';
import { namespaces } from '../../src/contract/names.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSecretSealer } from '../../src/runtime/keys/secret-sealer.ts';
import { createSecretReader } from '../../src/runtime/secrets.ts';
import { putSecret } from '../../src/store/secrets.ts';
import { type ControlWorker, startControlWorker } from '../../src/workers/create-control.ts';
import { type HostileUpstream, type Misbehaviour, startHostileUpstream } from '../gateway/hostile-upstream.ts';
import { KvServer } from '../gateway/kv-server.ts';
import { callTool } from '../gateway/posting.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { agentSpec, type PlacedStack, startStack, type TaskHandle } from './kit.ts';
import { steeredConnector } from './steered-connector.ts';
import { workerToken } from './token-door.ts';
import { taskIdOf, until } from './watch.ts';

const roads = ['env', 'file', 'sealed', 'vault', 'grant'] as const;
type Road = (typeof roads)[number];
/** In every credential of every road, and in nothing else. */
const canary = 'canary-7f3a';
const json = { 'content-type': 'application/json' };
const stream = { 'content-type': 'text/event-stream' };

/** How an upstream says back what it was sent, while it fails in one way or another. */
const echoes: Readonly<Record<string, (echo: string, id: string, response: ServerResponse) => void>> = {
  'a result': (echo, id, response) =>
    response
      .writeHead(200, json)
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: `you sent ${echo}` }] } })),
  'an error of the tool': (echo, id, response) =>
    response
      .writeHead(200, json)
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: { isError: true, content: [{ type: 'text', text: echo }] } })),
  'a refusal': (echo, id, response) =>
    response.writeHead(401, json).end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_001, message: echo } })),
  'a refusal with data': (echo, id, response) =>
    response
      .writeHead(200, json)
      .end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: 1, message: 'no', data: { headers: [echo] } } })),
  'a page': (echo, _id, response) => response.writeHead(500, { 'content-type': 'text/html' }).end(`<pre>${echo}</pre>`),
  'a header and a status line': (echo, _id, response) =>
    response.writeHead(502, echo, { 'x-echo': echo, ...json }).end('{'),
  'JSON that is none': (echo, _id, response) => response.writeHead(200, json).end(`{"echo": "${echo}"`),
  'progress before the answer': (echo, id, response) =>
    response
      .writeHead(200, stream)
      .end(
        `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: echo } })}\n\n` +
          `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`,
      ),
  'an answer that breaks off': (echo, id, response) => {
    response.writeHead(200, { ...json, 'content-length': '10000' });
    response.write(`{"jsonrpc":"2.0","id":"${id}","result":{"content":[{"type":"text","text":"${echo}"`);
    setTimeout(() => response.destroy(), 20);
  },
};

/** A37. Taken out once each: holdsSecret, the boundary of activities, the sealing of the store, and `known` values in a log line. */
requires('temporal')('a credential of an upstream', () => {
  let stack: PlacedStack;
  let upstream: HostileUpstream;
  let kv: KvServer;
  let worker: ControlWorker;
  const seen = new Set<string>();
  const replies: string[] = [];
  const connector = steeredConnector();
  const folder = tempFolder();
  const reference: Readonly<Record<Exclude<Road, 'grant'>, SecretAt>> = {
    env: { env: 'CANARY_OF_THIS_TEST' },
    file: { file: 'token.txt' },
    sealed: { secret: 'sealed' },
    vault: { vault: { path: 'team/a', field: 'token' } },
  };

  beforeAll(async () => {
    [upstream, kv] = await Promise.all([startHostileUpstream(), KvServer.start()]);
    kv.secrets.set('team/a', { fields: { token: `${canary}-vault` } });
    process.env['CANARY_OF_THIS_TEST'] = `${canary}-env`;
    process.env['CANARY_OF_THE_VAULT'] = `${canary}-vault-entry`;
    kv.tokens.set(`${canary}-vault-entry`, Number.POSITIVE_INFINITY);
    writeFileSync(join(folder, 'token.txt'), `${canary}-file\n`);
    connector.issue = async () => ({ accessToken: `${canary}-grant`, 'kept.clientSecret': `${canary}-kept` });
    stack = await startStack({
      agents: [agentSpec('carrier', { tools: Object.fromEntries(roads.map((road) => [`${road}/act`, 'allow'])) })],
      connectors: connector.directory,
      readSecret: createSecretReader(join(folder, 'estop.yaml')),
      scripts: {
        'calls': [...roads.map((road) => ({ call: [{ tool: `${road}__act`, arguments: {} }] })), { say: 'done' }],
        'thinks': [{ hang: true }],
      },
      configure: (config) => ({
        ...config,
        toolServers: roads.map((road) => ({
          serverId: road,
          url: upstream.url,
          ...(road === 'grant'
            ? { grant: { connector: 'db', field: 'accessToken', lifeMs: 60_000, options: {} } }
            : { credential: reference[road] }),
        })),
        vault: {
          url: kv.url,
          network: 'loopback',
          mount: 'secret',
          token: { env: 'CANARY_OF_THE_VAULT' },
          refreshMs: 1_000,
          staleMs: 60_000,
        },
      }),
    });
    await putSecret(stack.ledger.control, {
      name: 'sealed',
      ...createSecretSealer(openKeyRing(join(stack.folder, 'keys'), 'secret', 'test')).seal(
        'sealed',
        `${canary}-sealed`,
      ),
      mayShareWith: [],
      actor: 'admin',
    });
    const { get } = connector.directory;
    worker = startControlWorker({
      environment: 'test',
      databaseUrl: stack.ledger.revokerUrl,
      temporalAddress: stack.temporal.address,
      dataConverter: stack.dataConverter,
      connectors: { ids: () => ['db'], get, system: () => get('db').system },
      sealer: stack.sealer,
      log: stack.log,
    });
  });
  afterAll(async () => {
    delete process.env['CANARY_OF_THIS_TEST'];
    delete process.env['CANARY_OF_THE_VAULT'];
    await worker.close();
    await stack.stop();
    await Promise.all([upstream.stop(), kv.stop()]);
  });

  const misbehaving =
    (how: string): Misbehaviour =>
    (response, { id, request }) => {
      const sent = request.headers.authorization ?? '';
      seen.add(sent);
      echoes[how]?.(sent, id, response);
    };
  const tokenOf = async (handle: TaskHandle): Promise<string> => {
    const response = await fetch(`${stack.controlUrl}/v1/tasks/${taskIdOf(handle)}/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${workerToken}` },
    });
    return ((await response.json()) as { readonly token: string }).token; // made by the door
  };

  it('reaches its upstream by every road, and is said back to no agent in whichever way that upstream fails', async () => {
    const handle = await stack.start('thinks', { agentId: 'carrier' });
    await until(async () => (await stack.status(handle)).state === 'running');
    const token = await tokenOf(handle);
    for (const how of Object.keys(echoes)) {
      upstream.misbehave = misbehaving(how);
      for (const road of roads) {
        const call = async () => {
          const reply = await callTool(stack.gateway, token, `${road}__act`, {});
          replies.push(JSON.stringify([reply.body, [...reply.headers]]));
          return reply.meta['estop/reason'] !== 'tool-not-available';
        };
        await until(call);
        expect(replies.at(-1), `${road}: ${how}`).not.toContain(canary);
      }
    }
    expect(seen).toEqual(new Set(roads.map((road) => `Bearer ${canary}-${road}`)));
    await handle.terminate();
  });

  it('is in no history, as stored and as decoded, of a task whose every call had it said back', async () => {
    for (const how of ['a result', 'a refusal', 'progress before the answer']) {
      upstream.misbehave = misbehaving(how);
      const handle = await stack.start('calls', { agentId: 'carrier' });
      expect(await handle.result()).toMatchObject({ outcome: 'done' });
      const { raw, decoded } = await historyOf(handle);
      expect(decoded).toContain('env__act');
      expect(`${raw}${decoded}`, how).not.toContain(canary);
      expect(JSON.stringify(await handle.query('timeline'))).not.toContain(canary);
    }
  });

  it('is in no log line and in no row of the store, in letters or in hexadecimal', async () => {
    expect(stack.logged.length).toBeGreaterThan(5);
    expect(stack.logged.join('\n')).not.toContain(canary);
    const { rows: tables } = await stack.ledger.superuser.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'estop' AND c.relkind IN ('r', 'p')`,
    );
    let dump = '';
    for (const { name } of tables) {
      const { rows } = await stack.ledger.superuser.query<{ text: string }>(
        `SELECT t::text AS text FROM estop.${name} t`,
      );
      dump += rows.map(({ text }) => text).join('\n');
    }
    expect(dump).toContain('carrier');
    expect(dump).not.toContain(canary);
    expect(dump).not.toContain(Buffer.from(canary).toString('hex'));
    expect(dump).not.toContain(Buffer.from(canary).toString('base64').slice(0, 12));
  });

  async function historyOf(handle: TaskHandle): Promise<{ readonly raw: string; readonly decoded: string }> {
    const { history } = await stack.client.workflowService.getWorkflowExecutionHistory({
      namespace: namespaces.agents,
      execution: { workflowId: handle.workflowId },
    });
    const raw: string[] = [];
    const decoded: string[] = [];
    const walk = async (value: unknown): Promise<void> => {
      if (typeof value === 'string') raw.push(value);
      else if (value instanceof Uint8Array) raw.push(Buffer.from(value).toString('utf8'));
      else if (Array.isArray(value)) for (const member of value) await walk(member);
      else if (typeof value === 'object' && value !== null) {
        // What has both is a payload: no other message of a history does.
        if ('metadata' in value && 'data' in value)
          for (const codec of stack.dataConverter.payloadCodecs ?? [])
            for (const { data } of await codec.decode([value as Payload]))
              decoded.push(Buffer.from(data ?? []).toString('utf8'));
        for (const [key, member] of Object.entries(value)) {
          raw.push(key);
          await walk(member);
        }
      }
    };
    await walk(history);
    return { raw: raw.join('\n'), decoded: decoded.join('\n') };
  }
});
