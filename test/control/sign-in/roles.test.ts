import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskWorkflows } from '../../../src/control/task-workflows.ts';
import { requestApproval } from '../../../src/store/approvals.ts';
import { agentSpec, digestOf, newId, startChild, startTask } from '../../store/ledger.ts';
import { field, makeControl } from '../rig.ts';
import { type PeopleRig, peopleRig } from './people.ts';

const payments = { team: 'payments' };

/** No workflow is needed here. */
const standing: TaskWorkflows = {
  start: async () => 'started',
  tell: async () => true,
  ask: async () => undefined,
  isReachable: async () => true,
};

describe('who may do what, by estop.yaml and the groups of an identity provider', () => {
  let people: PeopleRig;
  const agents = [agentSpec('payer', { labels: payments }), agentSpec('mailer', { labels: { team: 'mail' } })];
  beforeAll(async () => {
    people = peopleRig((await makeControl(agents)).withDeps({ workflows: standing }), {
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
    approval: async (agentId: string, ofTask?: string): Promise<string> => {
      const taskId = ofTask ?? (await startTask(people.rig.ledger, agentSpec(agentId, { labels: payments }))).taskId;
      const approvalId = newId('appr');
      await requestApproval(people.rig.ledger.as('estop_gateway'), {
        approvalId,
        taskId,
        tokenEpoch: 1_000_000,
        toolKey: 'tool:bank/pay',
        digest: digestOf(approvalId),
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
    // Also where the clock of this process is an hour behind that of the store.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    const refused = await decide(late, id).finally(() => vi.useRealTimers());
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

  it('what an approver let through and nobody used counts no longer once they sign in without that group', async () => {
    const gus = await people.signIn('gus@example.org', ['approvers']);
    const id = await approval('payer');
    expect((await decide(gus, id)).status).toBe(200);
    const state = async () =>
      (await people.rig.ledger.sql('SELECT state FROM estop.approvals WHERE approval_id = $1', [id]))[0];
    await people.signIn('gus@example.org', ['approvers', 'sre']);
    expect(await state()).toEqual({ state: 'approved' });
    await people.signIn('gus@example.org', ['sre']);
    expect(await state()).toEqual({ state: 'closed' });
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

  it('who they were when they asked is who they are: an account that was tied to theirs since does not approve it', async () => {
    const persons = people.rig.deps.config.current().signIn?.persons ?? {};
    people.edit({ persons: {} });
    const asked = await people.rig.call('POST', '/v1/tasks', {
      as: 'Tess@service',
      body: { agentId: 'payer', prompt: 'pay' },
    });
    const id = await approval('payer', String(field(asked.body, 'taskId')));
    people.edit({
      persons: { ...persons, tess: ['tess', 'tess-admin@example.org'] },
      roles: [...rolesNow(), { role: 'approver', people: ['tess-admin@example.org'], groups: [] }],
    });
    const cookie = await people.signIn('tess-admin@example.org');
    const later = await approval('payer', String(field(asked.body, 'taskId')));
    for (const one of [id, later]) expect((await decide(cookie, one)).status).toBe(403);
    expect((await decide(await people.signIn('paul@example.org'), later)).status).toBe(200);
  });

  it('whoever answers for the agent, or for the one that it works for, approves none of its calls, now or later', async () => {
    const owned = (agentId: string, owner: string, more: object = {}) =>
      agentSpec(agentId, { owner, labels: payments, mayStart: ['payer'], ...more });
    const setAgents = (owner: string, more: object = {}) =>
      people.rig.setAgents([owned('payer', 'nobody', more), owned('mailer', owner, more)]);
    await setAgents('Paul@example.org');
    const paul = await people.signIn('paul@example.org');
    const root = await startTask(people.rig.ledger, owned('mailer', ''));
    const child = await startChild(people.rig.ledger, root, owned('mailer', ''), owned('payer', ''));
    const id = await approval('payer', child.taskId);
    const refused = await decide(paul, id);
    expect([refused.status, field(refused.body, 'code')]).toEqual([403, 'approval-not-eligible']);
    const seen = await people.as(paul, 'GET', `/v1/approvals/${id}/context`);
    expect([field(seen.body, 'mayApprove'), field(seen.body, 'whyNot')]).toEqual([
      false,
      expect.stringContaining('answer for'),
    ]);
    // Giving the agent away after it has asked helps nobody.
    await setAgents('olga@example.org');
    expect((await decide(paul, id)).status).toBe(403);
    await setAgents('paul@example.org', { ownerApproves: true });
    expect((await decide(paul, id)).status).toBe(403);
    expect((await decide(paul, await approval('payer', child.taskId))).status).toBe(200);
    await setAgents('olga@example.org');
    const other = await approval('payer', child.taskId);
    await setAgents('paul@example.org');
    expect((await decide(paul, other)).status).toBe(403);
    await people.rig.setAgents(agents);
  });

  it('a token of a service counts as whoever made it: what is asked for with it, they do not approve', async () => {
    const ada = await people.signIn('ada@example.org');
    const made = await people.as(ada, 'POST', '/v1/api-tokens', {
      name: 'batch',
      roles: ['service'],
      days: 1,
      forService: true,
    });
    const headers = { authorization: `Bearer ${String(field(made.body, 'token'))}` };
    const asked = await people.rig.call('POST', '/v1/tasks', { headers, body: { agentId: 'payer', prompt: 'pay' } });
    expect(asked.status).toBe(201);
    const id = await approval('payer', String(field(asked.body, 'taskId')));
    expect((await decide(ada, id)).status).toBe(403);
    expect((await decide(await people.signIn('paul@example.org'), id)).status).toBe(200);
  });

  it('a token is as old an approver as its maker is one now: a role that came back does not decide what was asked before', async () => {
    const role = { role: 'approver', people: ['rob@example.org'], groups: [] } as const;
    people.edit({ roles: [...rolesNow(), role] });
    const rob = await people.signIn('rob@example.org');
    const made = await people.as(rob, 'POST', '/v1/api-tokens', { name: 'phone', roles: ['approver'], days: 1 });
    const headers = { authorization: `Bearer ${String(field(made.body, 'token'))}` };
    const approve = async (id: string) =>
      (await people.rig.call('POST', `/v1/approvals/${id}:decide`, { headers, body: { decision: 'approved' } })).status;
    expect(await approve(await approval('payer'))).toBe(200);
    await people.signIn('rob@example.org');
    people.edit({ roles: rolesNow().filter((one) => one !== role) });
    await people.signIn('rob@example.org');
    const id = await approval('payer');
    people.edit({ roles: [...rolesNow(), role] });
    await people.signIn('rob@example.org');
    expect(await approve(id)).toBe(403);
    expect(await approve(await approval('payer'))).toBe(200);
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
