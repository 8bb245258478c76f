import { beforeAll, describe, expect, it } from 'vitest';
import { requestApproval } from '../../../src/store/approvals.ts';
import { agentSpec, newId, startTask } from '../../store/ledger.ts';
import { field, makeControl } from '../rig.ts';
import { type PeopleRig, peopleRig } from './people.ts';

const payments = { team: 'payments' };

describe('who may do what, by estop.yaml and the groups of an identity provider', () => {
  let people: PeopleRig;
  beforeAll(async () => {
    const agents = [agentSpec('payer', { labels: payments }), agentSpec('mailer', { labels: { team: 'mail' } })];
    people = peopleRig(await makeControl(agents), {
      roles: [
        { role: 'admin', people: ['ada@example.org'], groups: [] },
        { role: 'operator', people: ['olga@example.org'], groups: ['sre'] },
        { role: 'operator', people: [], groups: ['payments-team'], labels: payments },
        { role: 'approver', people: ['paul@example.org'], groups: ['approvers'] },
        { role: 'viewer', people: ['vera@example.org'], groups: [] },
      ],
    });
  });
  const { task, hold, approval } = {
    task: async (agentId: string) =>
      (
        await startTask(
          people.rig.ledger,
          agentSpec(agentId, { labels: agentId === 'payer' ? payments : { team: 'mail' } }),
        )
      ).taskId,
    hold: (cookie: string, taskId: string) => people.as(cookie, 'POST', `/v1/tasks/${taskId}:hold`),
    approval: async (agentId: string): Promise<string> => {
      const { taskId, epoch } = await startTask(people.rig.ledger, agentSpec(agentId, { labels: payments }));
      const approvalId = newId('appr');
      await requestApproval(people.rig.ledger.as('estop_gateway'), {
        approvalId,
        taskId,
        tokenEpoch: epoch,
        toolKey: 'tool:bank/pay',
        digest: new Uint8Array(32),
        shown: '{}',
        ttlMs: 60_000,
        policyVersion: 'none',
        approvers: 1,
        limits: { maxOpen: 100, maxPerMinute: 1_000, quietAfterDenialMs: 1 },
      });
      return approvalId;
    },
  };
  const decide = (cookie: string, id: string) =>
    people.as(cookie, 'POST', `/v1/approvals/${id}:decide`, { decision: 'approved' });

  it('comes from a name or from a group, and nobody else gets anything', async () => {
    const roles = async (cookie: string) => field((await people.as(cookie, 'GET', '/v1/whoami')).body, 'roles');
    expect(await roles(await people.signIn('olga@example.org'))).toEqual(['operator']);
    expect(await roles(await people.signIn('sam@example.org', ['sre', 'approvers']))).toEqual(['operator', 'approver']);
    const stranger = await people.signIn('eve@example.org', ['marketing']);
    expect(await roles(stranger)).toEqual([]);
    expect((await people.as(stranger, 'GET', '/v1/tasks')).status).toBe(403);
  });

  it('a viewer changes nothing', async () => {
    const vera = await people.signIn('vera@example.org');
    expect((await people.as(vera, 'GET', '/v1/tasks')).status).toBe(200);
    expect((await hold(vera, await task('mailer'))).status).toBe(403);
  });

  it('what is taken from somebody in estop.yaml is gone at their next request', async () => {
    const cookie = await people.signIn('tom@example.org', ['temp']);
    people.edit({ roles: [...rolesNow(), { role: 'operator', people: [], groups: ['temp'] }] });
    const taskId = await task('mailer');
    expect((await hold(cookie, taskId)).status).toBe(200);
    people.edit({ roles: rolesNow().filter(({ groups }) => !groups.includes('temp')) });
    expect((await hold(cookie, taskId)).status).toBe(403);
    await expect
      .poll(
        async () =>
          (await people.rig.ledger.sql("SELECT mandates FROM estop.people WHERE name = 'tom@example.org'"))[0],
      )
      .toEqual({ mandates: [] });
  });
  const rolesNow = () => people.rig.deps.config.current().signIn?.roles ?? [];

  it('an approver from before a call was asked for decides it; one who became it afterwards does not', async () => {
    const paul = await people.signIn('paul@example.org');
    const late = await people.signIn('lena@example.org', ['later']);
    const id = await approval('payer');
    people.edit({ roles: [...rolesNow(), { role: 'approver', people: [], groups: ['later'] }] });
    const refused = await decide(late, id);
    expect([refused.status, field(refused.body, 'code')]).toEqual([403, 'approval-not-eligible']);
    expect((await decide(paul, id)).status).toBe(200);
    await people.as(late, 'GET', '/v1/whoami');
    await expect
      .poll(async () =>
        JSON.stringify(
          (await people.rig.ledger.sql("SELECT mandates FROM estop.people WHERE name = 'lena@example.org'"))[0],
        ),
      )
      .toContain('since');
    const next = await approval('payer');
    expect((await decide(late, next)).status).toBe(200);
  });

  it('signing in again gives nobody an older date', async () => {
    const first = await people.signIn('nina@example.org', ['approvers']);
    const id = await approval('payer');
    const again = await people.signIn('nina@example.org', ['approvers']);
    expect((await decide(first, id)).status).toBe(200);
    const other = await approval('payer');
    expect((await decide(again, other)).status).toBe(200);
    const gone = await people.signIn('nina@example.org', []);
    const back = await people.signIn('nina@example.org', ['approvers']);
    expect((await decide(gone, other)).status).not.toBe(200);
    const asked = await approval('payer');
    expect((await decide(back, asked)).status).toBe(200);
  });

  it('one person with two accounts is one person: what one asked for, the other does not approve', async () => {
    people.edit({
      persons: { rita: ['rita@example.org', 'rita-admin@example.org'] },
      roles: [...rolesNow(), { role: 'approver', people: ['rita-admin@example.org'], groups: [] }],
    });
    const cookie = await people.signIn('rita-admin@example.org');
    expect(field((await people.as(cookie, 'GET', '/v1/whoami')).body, 'person')).toBe('rita');
    const refused = await decide(cookie, await approval('payer')); // asked for by rita
    expect([refused.status, field(refused.body, 'code')]).toEqual([403, 'approval-not-eligible']);
  });

  it('a role over labels reaches agents that carry them, and nothing that is wider', async () => {
    const pia = await people.signIn('pia@example.org', ['payments-team']);
    expect((await hold(pia, await task('payer'))).status).toBe(200);
    expect((await hold(pia, await task('mailer'))).status).toBe(403);
    const stopOf = async (scopeKey: string): Promise<string> => {
      const stopId = newId('stop');
      await people.rig.ledger.sql(
        `INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method)
         SELECT $1, coalesce(max(epoch), 0) + 1, $2, 0, 0, '', 'olga', 'api' FROM estop.stops`,
        [stopId, scopeKey],
      );
      await people.rig.ledger.sql(
        'INSERT INTO estop.stop_progress (stop_id, fenced_at) VALUES ($1, clock_timestamp()) ON CONFLICT (stop_id) DO UPDATE SET fenced_at = clock_timestamp()',
        [stopId],
      );
      return stopId;
    };
    const reset = async (scopeKey: string) =>
      (await people.as(pia, 'POST', `/v1/stops/${await stopOf(scopeKey)}:reset`, { reason: 'looked at' })).status;
    expect(await reset('agent:payer')).toBe(200);
    expect(await reset('label:team=payments')).toBe(200);
    for (const wider of [
      'agent:mailer',
      'label:team=mail',
      'label:tier=gold',
      'fleet',
      'connector:erp',
      'agent:nobody',
    ])
      expect([wider, await reset(wider)]).toEqual([wider, 403]);
  });
});
