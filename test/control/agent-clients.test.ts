import { createAdaptorServer } from '@hono/node-server';
import { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec, EstopConfig } from '../../src/contract/config.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createTaskTokenSigner } from '../../src/runtime/keys/task-token.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { auditTrail } from '../../src/store/audit-trail.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, type RunningGateway, untilReady } from '../gateway/rig.ts';
import { requires } from '../kit/requires.ts';
import { putAgents, stop } from '../store/ledger.ts';
import { makeControl } from './rig.ts';

const secret = 'a-secret-of-the-laptop-0123456789-abcdef';
const coder: AgentSpec = {
  ...billingBot,
  agentId: 'coder',
  clients: { laptop: { env: 'LAPTOP' }, short: { env: 'SHORT' }, unset: { env: 'UNSET' } },
};
const mail: AgentSpec = { ...billingBot, agentId: 'mail-bot', tools: {} };
const secrets: Readonly<Record<string, string>> = { LAPTOP: secret, SHORT: 'too-short' };

requires('temporal')('a program that is a client of an agent', () => {
  let rig: Rig;
  let gateway: RunningGateway;
  let issuer: string;

  beforeAll(async () => {
    rig = await makeRig();
    const control = await makeControl([]);
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}`;
    let config: EstopConfig | undefined;
    rig.configure((before) => (config = { ...before, agents: [coder, mail] }));
    await putAgents(rig.ledger, [coder, mail]);
    const ring = openKeyRing(rig.keysFolder, 'token', 'test');
    const { app } = control.withDeps({
      store: rig.ledger.as('estop_control'),
      config: { current: () => config as EstopConfig }, // set above
      signer: createTaskTokenSigner({ ring, environment: 'test', trustDomain: 'test.local' }),
      flowKeys: createFlowKeys(openKeyRing(rig.keysFolder, 'flow', 'test')),
      controlUrl: issuer,
      readSecret: ({ env = '' }) => secrets[env] ?? '',
    });
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
    closeAfterAll(() => new Promise((resolve) => server.close(() => resolve())));
    gateway = await rig.startGateway({ tokenIssuer: issuer });
    await untilReady(gateway);
  });

  async function connect(clientId = 'coder.laptop', clientSecret = secret, path = '/mcp') {
    const authProvider = new ClientCredentialsProvider({ clientId, clientSecret, expectedIssuer: issuer });
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), { authProvider }));
    closeAfterAll(() => client.close().catch(() => undefined));
    return { client, authProvider };
  }
  const read = (client: Client, name = 'billing__get_invoice') =>
    client.callTool({ name, arguments: { invoice_id: 'INV-1' } });
  const sessions = () =>
    rig.ledger.sql(
      "SELECT task_id, kind, state <> 'closed' AS open, agent_id FROM estop.tasks WHERE requested_by = 'client:coder.laptop' ORDER BY registered_at",
      [],
    );
  const token = (form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${issuer}/oauth/token`, { method: 'POST', headers, body: new URLSearchParams(form) });
  const credentials = { client_id: 'coder.laptop', client_secret: secret };

  it('opens a session with its first call, and goes on in it with every new token and every new connection', async () => {
    const { client, authProvider } = await connect();
    expect((await read(client)).isError).not.toBe(true);
    expect(await sessions()).toMatchObject([{ kind: 'session', open: true, agent_id: 'coder' }]);
    const { items } = await auditTrail(rig.ledger.as('estop_control'), { actor: 'client:coder.laptop' }, 10);
    expect(items).toMatchObject([{ kind: 'task.started', method: 'mcp', after: { state: 'registered' } }]);
    const before = authProvider.tokens()?.access_token;
    authProvider.saveTokens({ access_token: 'an.old.token', token_type: 'Bearer' });
    expect((await read(client)).isError).not.toBe(true);
    expect(authProvider.tokens()?.access_token).not.toBe(before);
    const second = await connect('coder.laptop', secret, '/mcp/billing');
    expect((await read(second.client, 'get_invoice')).isError).not.toBe(true);
    expect((await sessions()).length).toBe(1);
    expect(rig.upstream.calls().filter(({ taskId }) => taskId !== undefined).length).toBe(3);
  });

  it('opens a new one when the last was closed, and only one however many ask at once', async () => {
    const [first] = await sessions();
    await closeTasks(rig.ledger.as('estop_control'), [String(first?.['task_id'])], 'closed');
    const form = { grant_type: 'client_credentials', ...credentials };
    const answers = await Promise.all(Array.from({ length: 8 }, () => token(form)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect((await sessions()).filter((row) => row['open']).length).toBe(1);
  });

  it('gets none with another secret, under another name, or where it is not a client at all', async () => {
    const before = (await sessions()).length;
    const grant = { grant_type: 'client_credentials' };
    const cases: readonly Readonly<Record<string, string>>[] = [
      { ...credentials, client_secret: `${secret}x` },
      { ...credentials, client_id: 'coder.other' },
      { ...credentials, client_id: 'coder' },
      { ...credentials, client_id: 'coder.laptop.more' },
      { ...credentials, client_id: 'coder.constructor' },
      { ...credentials, client_id: 'mail-bot.laptop' },
      { client_id: 'coder.short', client_secret: 'too-short' },
      { client_id: 'coder.unset', client_secret: '' },
      {},
    ];
    for (const form of cases) {
      const answer = await token({ ...grant, ...form });
      expect([answer.status, await answer.json()]).toMatchObject([401, { error: 'invalid_client' }]);
    }
    const both = await token(
      { ...grant, ...credentials },
      { authorization: `Basic ${btoa(`coder.laptop:${secret}`)}` },
    );
    expect(both.status).toBe(401);
    const other = await token({ grant_type: 'password', ...credentials });
    expect(await other.json()).toMatchObject({ error: 'unsupported_grant_type' });
    await expect(connect('coder.laptop', 'nothing-of-the-kind-but-long-enough-to-be-one')).rejects.toThrow();
    expect((await sessions()).length).toBe(before);
    const noted = () =>
      rig.ledger.sql("SELECT DISTINCT door, source, subject, because FROM estop.refused_attempts WHERE door = 'mcp'");
    await expect
      .poll(noted, { timeout: 20_000 })
      .toEqual([{ door: 'mcp', source: '127.0.0.1', subject: '/oauth/token', because: 'unknown-client' }]);
  });

  it('cannot use at the gateway what it holds for long', async () => {
    for (const held of [secret, btoa(`coder.laptop:${secret}`)]) {
      const answer = await fetch(`${gateway.url}/mcp`, {
        method: 'POST',
        headers: { authorization: `Bearer ${held}`, 'content-type': 'application/json' },
        body: '{}',
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain(
        `resource_metadata="${gateway.url}/.well-known/oauth-protected-resource/mcp"`,
      );
    }
  });

  it('is stopped like any other, and gets no new session while the stop is in force', async () => {
    const { client } = await connect();
    expect((await read(client)).isError).not.toBe(true);
    await stop(rig.ledger, 'agent:coder');
    const refused = await read(client);
    expect(refused).toMatchObject({ isError: true, _meta: { 'estop/decision': 'stopped' } });
    const count = (await sessions()).length;
    const answer = await token({ grant_type: 'client_credentials', ...credentials });
    expect([answer.status, await answer.json()]).toMatchObject([403, { error: 'access_denied' }]);
    expect((await sessions()).length).toBe(count);
  });
});
