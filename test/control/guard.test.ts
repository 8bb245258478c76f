import { beforeAll, describe, expect, it } from 'vitest';
import { refuseRemoteBind } from '../../src/control/guard-caller.ts';
import { openStore } from '../../src/store/pool.ts';
import { newId } from '../store/ledger.ts';
import { type ControlRig, field, makeControl, silentStore } from './rig.ts';

describe('the edge of the control API', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
  });
  const list = (headers: Record<string, string>) => rig.call('GET', '/v1/tasks', { as: 'viewer', headers });

  it.each(['localhost', 'localhost:7701', '127.0.0.1:7701', '[::1]:7701', 'control.example.org'])(
    'is called as %s',
    async (host) => {
      expect((await list({ host })).status).toBe(200);
    },
  );

  it.each([
    'attacker.example',
    'control.example.org.attacker.example',
    '127.0.0.1.nip.io',
    '169.254.169.254',
    '',
    'localhost@attacker.example',
    '0.0.0.0',
  ])('is not called as %j', async (host) => {
    const answer = await list({ host });
    expect([host, answer.status, field(answer.body, 'code')]).toEqual([host, 403, 'origin-refused']);
  });

  it('takes nothing that a browser sends from another place', async () => {
    expect((await list({ origin: 'https://attacker.example' })).status).toBe(403);
    expect((await list({ origin: 'null' })).status).toBe(403);
    expect((await list({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await list({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await list({ origin: 'http://control.example.org', 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  it('takes a token from the header alone, never from an address or a cookie', async () => {
    expect((await rig.call('GET', '/v1/tasks?access_token=viewer')).status).toBe(401);
    expect((await rig.call('GET', '/v1/tasks', { headers: { cookie: 'token=viewer' } })).status).toBe(401);
  });

  it('cannot be framed, sniffed or cached', async () => {
    const { headers } = await list({});
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBeTruthy();
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  it('opens no port to the network unless it is told to', () => {
    expect(() => refuseRemoteBind('0.0.0.0', false)).toThrow(/ESTOP_ALLOW_REMOTE/);
    expect(() => refuseRemoteBind('::', false)).toThrow(/ESTOP_ALLOW_REMOTE/);
    expect(() => refuseRemoteBind('192.168.1.4', false)).toThrow(/ESTOP_ALLOW_REMOTE/);
    expect(() => refuseRemoteBind('0.0.0.0', true)).not.toThrow();
    // Nobody could sign in: neither an identity provider nor a token.
    expect(() => refuseRemoteBind('0.0.0.0', true, false)).toThrow(/signIn\.oidc/);
    expect(() => refuseRemoteBind('127.0.0.1', false, false)).not.toThrow();
    for (const host of ['127.0.0.1', '::1', 'localhost', '127.0.0.2'])
      expect(() => refuseRemoteBind(host, false)).not.toThrow();
  });

  it('a failure of our own says nothing but its number; the log has the rest', async () => {
    const broken = rig.withDeps({
      signer: { sign: async () => Promise.reject(new Error('canary-secret in a driver text')) },
    });
    await rig.ledger.sql(
      "INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, requested_by, kind, state) VALUES ('task_test_00000000000000000000000001', 'billing-bot', 'task_test_00000000000000000000000001', '{}', '{billing-bot}', '{fleet}', 0, 0, '', 'rita', 'task', 'running')",
    );
    const answer = await broken.call('POST', '/v1/tasks/task_test_00000000000000000000000001/tokens', {
      as: 'agent-worker',
    });
    expect(answer.status).toBe(500);
    expect(Object.keys(answer.body as object).sort()).toEqual(['code', 'requestId', 'status', 'title', 'type']);
    expect(answer.text).not.toContain('canary');
    const entry = rig.logged.find((line) =>
      JSON.stringify(line.fields).includes(String(field(answer.body, 'requestId'))),
    );
    expect(JSON.stringify(entry?.fields)).toContain('canary-secret');
  });

  it('with the store away it says so, and is alive but not ready', async () => {
    const away = openStore({ url: 'postgres://estop_control:x@127.0.0.1:1/none', applicationName: 'away', max: 1 });
    const cut = rig.withDeps({ store: away });
    const answer = await cut.call('GET', `/v1/tasks/${newId('task')}`, { as: 'viewer' });
    expect([answer.status, field(answer.body, 'code')]).toEqual([503, 'store-unavailable']);
    expect(answer.text).not.toContain('ECONNREFUSED');
    expect((await cut.call('GET', '/livez')).status).toBe(200);
    const ready = await cut.call('GET', '/readyz');
    expect([ready.status, field(ready.body, 'store')]).toEqual([503, 'down']);
    await away.end();
  });

  it('a store that took the question and never answers makes it not ready, and does not hold up the answer', async () => {
    const ready = await rig.withDeps({ store: silentStore }).call('GET', '/readyz');
    expect([ready.status, field(ready.body, 'store')]).toEqual([503, 'down']);
  });

  it('every error code has a page at the address that problems name', async () => {
    const problem = await rig.call('GET', `/v1/tasks/${newId('task')}`, { as: 'viewer' });
    const page = await rig.call('GET', String(field(problem.body, 'type')));
    expect(page.status).toBe(200);
    expect(page.text).toContain('No task of that id is registered.');
    expect((await rig.call('GET', '/errors/constructor')).status).toBe(404);
  });
});
