import { Agent, get } from 'node:http';
import { listen } from '../../examples/demo/fault-proxy.ts';
import type { ConnectorSystem } from '../../src/connectors/kit/contract.ts';
import { controlName } from '../../src/connectors/kit/names.ts';
import { startKeyVault } from './key-vault-server.ts';
import { environment, type Rig, type RunningRig, rigConnectorId } from './rig.ts';

/** Of no member of the registry: of the recipe in CONTRIBUTING.md, and an example of a rig. */
export const keyVaultRig = (connector: ConnectorSystem): Rig => ({
  system: 'key-vault',
  server: 'a service with API keys',
  connector,
  start,
});

async function start(): Promise<RunningRig> {
  const adminToken = 'the-admin-token-of-the-suite-1234';
  const controlKey = 'the-control-key-of-the-suite-5678';
  const server = await startKeyVault(adminToken);
  const proxy = await listen({ host: '127.0.0.1', port: server.port });
  const control = controlName(environment, rigConnectorId);
  const allow = () => void server.keys.set(control, { key: controlKey, expiresAt: Infinity });
  allow();
  const whoAmI = (key: unknown, agent?: Agent): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = {
        headers: { authorization: `Bearer ${String(key)}` },
        ...(agent === undefined ? {} : { agent }),
      };
      get(`http://127.0.0.1:${server.port}/whoami`, options, (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
      }).once('error', reject);
    });
  const nameOf = (handle: Readonly<Record<string, unknown>>): string => String(handle['name']);
  const reply = (status: string, type: string, body: string, extra = '') =>
    `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\n${extra}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
  return {
    proxy,
    options: {
      url: `http://${proxy.host}:${proxy.port}`,
      network: 'loopback',
      adminToken: { env: 'ADMIN' },
      controlKey: { env: 'CONTROL' },
    },
    secrets: { ADMIN: adminToken, CONTROL: controlKey },
    grantOptions: { permission: 'read' },
    injections: [{ permission: 'read"; DROP' }, { permission: '../../admin' }],
    useAsAgent: async (_grant, secret) => ((await whoAmI(secret['key'])) === 200 ? 'worked' : 'refused'),
    countInTarget: async (grant) => server.uses.get(nameOf(grant.handle)) ?? 0,
    openLasting: async (_grant, secret) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      return { alive: async () => (await whoAmI(secret['key'], agent)) === 200, close: async () => agent.destroy() };
    },
    revive: async (grant, secret) =>
      void server.keys.set(nameOf(grant.handle), { key: String(secret['key']), expiresAt: Infinity }),
    breakControl: async () => {
      server.keys.delete(control);
      return async () => allow();
    },
    refuseOurCredential: async () => {
      await proxy.addToxic('refused', { type: 'reply_with', bytes: reply('403 Forbidden', 'application/json', '{}') });
      return () => proxy.removeToxic('refused');
    },
    breakSelfCheck: async () => {
      server.keys.delete(control);
      return { finding: /control key/, undo: async () => allow() };
    },
    marker: (step) =>
      step === 'issue'
        ? { bytes: 'PUT /keys/' }
        : step === 'revoke-credential'
          ? { bytes: 'DELETE /keys/' }
          : { none: 'no such phase' },
    replies: () => ({
      'rate-limited': reply('429 Too Many Requests', 'application/json', '{}', 'Retry-After: 7\r\n'),
      'server-error': reply('500 Internal Server Error', 'application/json', '{}'),
      'garbage': reply('200 OK', 'text/html', '<!doctype html>'),
    }),
    stop: async () => {
      await proxy.close();
      await server.stop();
    },
  };
}
