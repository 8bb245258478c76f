import { beforeAll, describe, expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import { Secret, SecretPage } from '../../src/contract/http/secrets.ts';
import { agentSpec } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

/**
 * Each was taken out once: the look for another secret of that value, the names that may share, the fingerprints under older keys,
 * `repeatable` (a kept request), the right to write.
 */
describe('secrets over HTTP', () => {
  const agents = ['billing-bot', 'mail-bot'].map((agentId) => agentSpec(agentId, { tools: { 'crm/*': 'allow' } }));
  let rig: ControlRig;
  const config = (toolServers: EstopConfig['toolServers']): EstopConfig => ({
    environment: 'test',
    trustDomain: 'example.org',
    agents,
    connectors: [],
    toolServers,
    models: [],
  });
  const own = { 'billing-bot': { secret: 'crm-billing' }, 'mail-bot': { secret: 'crm-mail' } };
  const servers = (shared?: readonly string[]): EstopConfig['toolServers'] => [
    {
      serverId: 'crm',
      url: 'http://127.0.0.1:9',
      credentials: own,
      ...(shared === undefined ? {} : { sharedBy: shared }),
    },
  ];
  beforeAll(async () => {
    const plain = await makeControl(agents);
    rig = plain.withDeps({ config: { current: () => config(servers()) } });
  });
  const put = (verb: 'set' | 'rotate', name: string, value: string, options: object = {}) =>
    rig.call('POST', `/v1/secrets/${name}:${verb}`, { as: 'admin', body: { value }, ...options });
  const audits = async (name: string): Promise<unknown> =>
    (await rig.ledger.sql('SELECT kind FROM estop.audit WHERE subject = $1 ORDER BY seq', [`secret:${name}`])).map(
      (row) => row['kind'],
    );

  it('are set once, rotated, listed with who uses them, and removed, each on record', async () => {
    const set = await put('set', 'crm-billing', 'canary-first');
    expect(set.status).toBe(201);
    expect(Secret.parse(set.body)).toMatchObject({ name: 'crm-billing', revision: 1, usedBy: ['billing-bot'] });
    expect(await put('set', 'crm-billing', 'canary-again')).toMatchObject({ status: 409 });
    expect(Secret.parse((await put('rotate', 'crm-billing', 'canary-second')).body).revision).toBe(2);
    expect(await put('rotate', 'nothing', 'canary-none')).toMatchObject({ status: 404 });
    const listed = await rig.call('GET', '/v1/secrets', { as: 'operator' });
    expect(SecretPage.parse(listed.body).items.map(({ name }) => name)).toContain('crm-billing');
    const removed = await rig.call('POST', '/v1/secrets/crm-billing:remove', { as: 'admin', body: {} });
    expect(removed.status).toBe(200);
    expect((await rig.call('POST', '/v1/secrets/crm-billing:remove', { as: 'admin', body: {} })).status).toBe(404);
    expect(await audits('crm-billing')).toEqual(['secret.set', 'secret.rotated', 'secret.removed']);
  });

  it('say where they are used, the key of a model provider as well', async () => {
    const models = [{ modelId: 'small', provider: 'openai', model: 'm', apiKey: { secret: 'model-key' } }] as const;
    const users = agents.map((agent, index) =>
      index === 0 ? { ...agent, model: 'small' } : { ...agent, models: ['small'] },
    );
    users.push(agentSpec('no-model'));
    const there = rig.withDeps({ config: { current: () => ({ ...config(servers()), agents: users, models }) } });
    await put('set', 'model-key', 'canary-of-a-model');
    const listed = SecretPage.parse((await there.call('GET', '/v1/secrets', { as: 'operator' })).body);
    expect(listed.items.find(({ name }) => name === 'model-key')).toMatchObject({
      usedBy: ['billing-bot', 'mail-bot'],
      usedAt: ['models.small.apiKey'],
    });
  });

  it('leave their value in no answer, no log and no row, whatever was wrong with the request', async () => {
    const value = 'canary-of-the-api';
    const answers = [
      await put('set', 'kept', value),
      await put('set', 'kept', value),
      await put('set', 'UPPER', value),
      await put('set', 'kept', value, { as: 'operator' }),
      await put('set', 'idempotent', `${value}-too`, { key: 'once' }),
      await put('set', 'kept', value, { body: { value, more: value } }),
      await put('set', 'kept', value, { body: { value: [value] } }),
      await put('set', 'kept', value, { body: undefined, raw: `{"value":"${value}"` }),
      await put('set', 'kept', value, { body: { value: value.repeat(3_000) } }),
      await rig.call('GET', '/v1/secrets', { as: 'admin' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 409, 422, 403, 201, 422, 422, 400, 422, 200]);
    // Not even its hash: what is kept of a request is one.
    expect(await rig.ledger.sql('SELECT 1 FROM estop.idempotency_keys', [])).toEqual([]);
    const rows = await rig.ledger.sql(
      `SELECT (SELECT coalesce(jsonb_agg(a), '[]') FROM estop.audit a)::text || (SELECT coalesce(jsonb_agg(s), '[]') FROM estop.secrets s)::text
        || (SELECT coalesce(jsonb_agg(k), '[]') FROM estop.idempotency_keys k)::text AS everything`,
      [],
    );
    const everything = JSON.stringify([answers.map(({ text }) => text), rig.logged, rows]);
    expect(everything).toContain('kept');
    expect(everything).not.toContain('canary-of');
  });

  it('of one value for two agents are refused, and on record as refused, unless the configuration says so', async () => {
    await put('set', 'crm-billing', 'canary-shared');
    const refused = await put('set', 'crm-mail', 'canary-shared');
    expect(refused.status).toBe(409);
    expect(field(refused.body, 'code')).toBe('credential-shared');
    expect(await audits('crm-mail')).toEqual(['secret.refused']);
    expect((await put('set', 'unused', 'canary-shared')).status).toBe(409);
    const said = rig.withDeps({ config: { current: () => config(servers(['billing-bot', 'mail-bot'])) } });
    const allowed = await said.call('POST', '/v1/secrets/crm-mail:set', {
      as: 'admin',
      body: { value: 'canary-shared' },
    });
    expect(allowed.status).toBe(201);
    const page = await said.call('GET', '/v1/agents', { as: 'viewer' });
    expect(JSON.stringify(page.body)).toContain('"sharedCredentials":[{"at":"tools.crm","with":["mail-bot"]}]');
  });

  it('of one value are found also where the other was sealed with an older key', async () => {
    const { secretSealer } = rig.deps;
    await put('set', 'older', 'canary-old-key');
    // As if another key had been the newest when it was set: what is compared is what each row says of its own key.
    await rig.ledger.sql(
      "UPDATE estop.secrets SET key_id = 'seal-test-old', fingerprint = 'of-old' WHERE name = 'older'",
    );
    const fresh = secretSealer.seal('newer', 'canary-old-key');
    const withOlder = rig.withDeps({
      secretSealer: {
        ...secretSealer,
        seal: () => ({ ...fresh, fingerprints: { ...fresh.fingerprints, 'seal-test-old': 'of-old' } }),
      },
    });
    const answer = await withOlder.call('POST', '/v1/secrets/newer:set', { as: 'admin', body: { value: 'x' } });
    expect(field(answer.body, 'code')).toBe('credential-shared');
  });
});
