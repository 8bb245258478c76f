import { beforeAll, describe, expect, it } from 'vitest';
import { defaultSignIn } from '../../src/contract/config.ts';
import { ObligationPage, ResetResult, StopPage, StopPreview, StopView } from '../../src/contract/http/stops.ts';
import { registerGateway } from '../../src/store/gateways.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { getObligation, openObligations } from '../../src/store/obligations.ts';
import { agentSpec, fence, type Ledger, newId, startTask, stop } from '../store/ledger.ts';
import { type ControlRig, field, makeControl, silentStore } from './rig.ts';

describe('stops over HTTP', () => {
  let rig: ControlRig;
  let ledger: Ledger;
  beforeAll(async () => {
    rig = await makeControl([
      agentSpec('billing-bot', { labels: { team: 'finance' } }),
      agentSpec('mail-bot', { labels: { team: 'crm' } }),
    ]);
    ledger = rig.ledger;
  });
  const view = async (stopId: string): Promise<StopView> =>
    StopView.parse((await rig.call('GET', `/v1/stops/${stopId}`, { as: 'viewer' })).body);

  async function grantTo(agentId: string, target: string): Promise<string> {
    const task = await startTask(ledger, agentSpec(agentId));
    const grantId = newId('grant');
    const trusted = ledger.as('estop_trusted');
    await mintIntend(trusted, {
      grantId,
      name: 'db',
      taskId: task.taskId,
      connector: 'postgres',
      target,
      shared: false,
      handle: { role: 'r' },
      epoch: task.epoch,
      lifeMs: 60_000,
    });
    await mintRecheck(trusted, grantId);
    await mintIssued(trusted, grantId, Buffer.from('sealed'));
    return grantId;
  }

  it('a stop brought here is sent to the stop process, and nothing is latched', async () => {
    const answer = await rig.call('POST', '/v1/stops', { as: 'operator', body: { scopeKey: 'fleet' } });
    expect([answer.status, field(answer.body, 'code')]).toEqual([421, 'stop-elsewhere']);
    expect(answer.headers.get('location')).toBe('http://127.0.0.1:7700/v1/stops');
    expect(field(answer.body, 'location')).toBe('http://127.0.0.1:7700/v1/stops');
    expect(await ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'fleet'")).toEqual([]);
  });

  it('a fresh stop shows that it is latched and claims nothing else', async () => {
    const task = await startTask(ledger, agentSpec('billing-bot'));
    const latched = await stop(ledger, `task:${task.taskId}`);
    const shown = await view(latched.stopId);
    expect(shown).toMatchObject({
      stopId: latched.stopId,
      epoch: latched.epoch,
      scopeKey: `task:${task.taskId}`,
      inForce: true,
      reached: 'latched',
      evidence: null,
      tasks: { covered: 1, halted: 0 },
      lanes: [],
    });
    expect(shown.stages.map(({ stage, at, afterMs }) => [stage, at !== null, afterMs])).toEqual([
      ['latched', true, 0],
      ['fenced', false, null],
      ['halted', false, null],
      ['revoked', false, null],
      ['proved', false, null],
    ]);
    expect(shown.workflow).toMatchObject({ workflowId: `stop-fanout/${latched.stopId}`, namespace: 'estop-control' });
  });

  it('a gateway that has not confirmed is waited for, by name', async () => {
    const gatewayId = newId('gw');
    await registerGateway(ledger.as('estop_gateway'), gatewayId, '127.0.0.1:1');
    await ledger.sql("UPDATE estop.gateways SET lease_until = now() + interval '1 hour' WHERE gateway_id = $1", [
      gatewayId,
    ]);
    const latched = await stop(ledger, 'tool:files/delete');
    expect(await fence(ledger, latched.stopId)).toBe(false);
    expect((await view(latched.stopId)).gateways).toEqual([{ gatewayId, outcome: 'waiting', at: null }]);
    await ledger.sql('UPDATE estop.gateways SET confirmed_epoch = $2 WHERE gateway_id = $1', [
      gatewayId,
      latched.epoch,
    ]);
    expect(await fence(ledger, latched.stopId)).toBe(true);
    const shown = await view(latched.stopId);
    expect(shown.gateways).toMatchObject([{ gatewayId, outcome: 'confirmed' }]);
    expect(shown.reached).toBe('fenced');
    await ledger.sql('UPDATE estop.gateways SET retired_at = now() WHERE gateway_id = $1', [gatewayId]);
  });

  it('every credential is a line of its own, what is stuck first', async () => {
    await grantTo('billing-bot', 'customers');
    await grantTo('billing-bot', 'invoices');
    const latched = await stop(ledger, 'agent:billing-bot');
    await fence(ledger, latched.stopId);
    expect((await view(latched.stopId)).obligations.uncovered).toBe(2);
    await openObligations(ledger.as('estop_revoker'), latched.stopId);
    await ledger.sql(
      "UPDATE estop.obligations SET state = 'proved', evidence = 'credential-probed', revoked_at = now(), proved_at = now(), final_at = now() WHERE stop_id = $1 AND target = 'customers'",
      [latched.stopId],
    );
    await ledger.sql(
      "UPDATE estop.obligations SET attempts = 4, last_error = 'no answer', needs_human = 'our own credential is refused', next_try_at = now() + interval '30 s' WHERE stop_id = $1 AND target = 'invoices'",
      [latched.stopId],
    );
    const shown = await view(latched.stopId);
    expect(shown.obligations).toEqual({
      total: 2,
      open: 1,
      revoked: 1,
      proved: 1,
      residual: 0,
      acceptedRisk: 0,
      needsHuman: 1,
      uncovered: 0,
    });
    expect(shown.lanes.map((lane) => [lane.target, lane.state, lane.final])).toEqual([
      ['invoices', 'open', false],
      ['customers', 'proved', true],
    ]);
    expect(shown.lanes[0]).toMatchObject({
      attempts: 4,
      lastError: 'no answer',
      needsHuman: 'our own credential is refused',
      evidence: null,
    });
    expect(shown.lanes[1]?.provedAfterMs).toBeGreaterThanOrEqual(0);
    expect(shown.lanes[1]?.workflow.workflowId).toBe(`revocation/billing-bot/${latched.epoch}/${latched.stopId}`);
    const page = ObligationPage.parse(
      (await rig.call('GET', `/v1/stops/${latched.stopId}/obligations?limit=1`, { as: 'viewer' })).body,
    );
    expect(page.items).toHaveLength(1);
    expect(page.next).not.toBeNull();
    // What is proved so far, with its last probe to come, is not what a person has to look at.
    for (const [stuck = '', done] of [
      ['invoices', 'customers'],
      ['customers', 'invoices'],
    ]) {
      await ledger.sql(
        `UPDATE estop.obligations SET final_at = NULL, needs_human = NULL,
           state = CASE target WHEN $2 THEN 'open' ELSE 'proved' END, evidence = CASE target WHEN $2 THEN NULL ELSE 'credential-probed' END,
           revoked_at = CASE target WHEN $2 THEN NULL ELSE now() END, proved_at = CASE target WHEN $2 THEN NULL ELSE now() END
         WHERE stop_id = $1`,
        [latched.stopId, stuck],
      );
      expect((await view(latched.stopId)).lanes.map(({ target }) => target)).toEqual([stuck, done]);
    }
  });

  it('a risk is accepted by a person with a reason, once, and stays on record', async () => {
    await grantTo('mail-bot', 'mailbox');
    const latched = await stop(ledger, 'agent:mail-bot');
    await openObligations(ledger.as('estop_revoker'), latched.stopId);
    const obligationId = (await view(latched.stopId)).lanes[0]?.obligationId ?? '';
    const path = `/v1/obligations/${encodeURIComponent(obligationId)}:accept-risk`;
    expect((await rig.call('POST', path, { as: 'operator', body: { reason: 'x' } })).status).toBe(403);
    expect((await rig.call('POST', path, { as: 'admin', body: {} })).status).toBe(422);
    const accepted = await rig.call('POST', path, { as: 'ada@admin', body: { reason: 'the system is gone' } });
    expect(accepted.status).toBe(200);
    expect(accepted.body).toMatchObject({ state: 'accepted-risk', acceptedBy: 'ada', final: true });
    expect((await rig.call('POST', path, { as: 'admin', body: { reason: 'again' } })).status).toBe(409);
    expect(await getObligation(ledger.as('estop_control'), obligationId)).toMatchObject({ acceptedBy: 'ada' });
    expect((await view(latched.stopId)).obligations).toMatchObject({ proved: 0, acceptedRisk: 1 });
  });

  it('a preview counts and changes nothing', async () => {
    const preview = StopPreview.parse(
      (await rig.call('POST', '/v1/stops:preview', { as: 'viewer', body: { scopeKey: 'label:team=finance' } })).body,
    );
    expect(preview).toMatchObject({ scopeKey: 'label:team=finance', known: true, agents: 1 });
    expect(preview.tasks).toBeGreaterThanOrEqual(3);
    expect(preview.credentials).toBe(2);
    expect(preview.examples.length).toBeGreaterThan(0);
    expect(await ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'label:team=finance'")).toEqual([]);
  });

  it('a preview that cannot be counted in time says "unknown"', async () => {
    const silent = rig.withDeps({ store: silentStore });
    const preview = StopPreview.parse(
      (await silent.call('POST', '/v1/stops:preview', { as: 'viewer', body: { scopeKey: 'fleet' } })).body,
    );
    expect(preview).toMatchObject({ known: false, tasks: null, examples: [] });
  });

  it('a stop does not wait for a preview that is still counting', async () => {
    const session = await ledger.session();
    await session.query('BEGIN');
    await session.query('LOCK TABLE estop.tasks IN ACCESS EXCLUSIVE MODE');
    const counting = rig.call('POST', '/v1/stops:preview', { as: 'viewer', body: { scopeKey: 'fleet' } });
    expect((await stop(ledger, 'model:other')).epoch).toBeGreaterThan(0);
    await session.query('ROLLBACK');
    expect((await counting).status).toBe(200);
  });

  it('a reset waits until the stop is fenced, needs a reason, and restarts nothing', async () => {
    const task = await startTask(ledger, agentSpec('billing-bot')).catch(() => undefined);
    expect(task).toBeUndefined(); // still stopped from above
    const latched = await stop(ledger, 'connector:postgres');
    const path = `/v1/stops/${latched.stopId}:reset`;
    const early = await rig.call('POST', path, { as: 'operator', body: { reason: 'fixed' } });
    expect([early.status, field(early.body, 'code'), early.headers.get('retry-after')]).toEqual([
      409,
      'not-fenced',
      '1',
    ]);
    expect((await rig.call('POST', path, { as: 'operator', body: { reason: '' } })).status).toBe(422);
    await fence(ledger, latched.stopId);
    const done = ResetResult.parse(
      (await rig.call('POST', path, { as: 'rita@operator', body: { reason: 'credentials replaced' } })).body,
    );
    expect(done).toMatchObject({ outcome: 'reset', epoch: latched.epoch + 1 });
    const again = ResetResult.parse((await rig.call('POST', path, { as: 'operator', body: { reason: 'again' } })).body);
    expect(again).toMatchObject({ outcome: 'already-reset', epoch: done.epoch });
    expect(await view(latched.stopId)).toMatchObject({
      inForce: false,
      reset: { by: 'rita', reason: 'credentials replaced', epoch: done.epoch },
    });
  });

  it('a refused reset is not kept under its key: it works once the stop is fenced', async () => {
    const latched = await stop(ledger, 'connector:oauth');
    const send = () =>
      rig.call('POST', `/v1/stops/${latched.stopId}:reset`, {
        as: 'operator',
        body: { reason: 'x' },
        key: `reset-${latched.stopId}`,
      });
    expect((await send()).status).toBe(409);
    await fence(ledger, latched.stopId);
    expect((await send()).status).toBe(200);
  });

  it('the fleet is reset by two people, and one person twice is not two, under whatever name', async () => {
    const latched = await stop(ledger, 'fleet');
    await fence(ledger, latched.stopId);
    const signIn = { ...defaultSignIn, persons: { olga: ['olga-admin'] } };
    const known = rig.withDeps({ config: { current: () => ({ ...rig.deps.config.current(), signIn }) } });
    const send = (as: string, reason: string) =>
      known.call('POST', `/v1/stops/${latched.stopId}:reset`, { as, body: { reason } });
    const first = await send('olga@operator', 'all clear');
    expect(first.status).toBe(202);
    expect(ResetResult.parse(first.body)).toMatchObject({ outcome: 'awaiting-second-person', requestedBy: ['olga'] });
    for (const same of ['olga', 'olga-admin', 'OLGA'])
      expect((await send(`${same}@operator`, 'really')).status).toBe(202);
    expect((await view(latched.stopId)).inForce).toBe(true);
    const second = await send('rita@operator', 'checked too');
    expect(second.status).toBe(200);
    expect(ResetResult.parse(second.body).outcome).toBe('reset');
  });

  it('resetting one of two stops over the same agent leaves the other in force', async () => {
    const [one, two] = [await stop(ledger, 'model:shared'), await stop(ledger, 'model:shared')];
    await fence(ledger, one.stopId);
    await rig.call('POST', `/v1/stops/${one.stopId}:reset`, { as: 'operator', body: { reason: 'x' } });
    const inForce = StopPage.parse(
      (await rig.call('GET', '/v1/stops?inForce=true&limit=200', { as: 'viewer' })).body,
    ).items.map((item) => item.stopId);
    expect(inForce).toContain(two.stopId);
    expect(inForce).not.toContain(one.stopId);
  });

  it('stops are listed newest first, in pages', async () => {
    const first = StopPage.parse((await rig.call('GET', '/v1/stops?limit=2', { as: 'viewer' })).body);
    const second = StopPage.parse(
      (await rig.call('GET', `/v1/stops?limit=2&cursor=${first.next}`, { as: 'viewer' })).body,
    );
    const epochs = [...first.items, ...second.items].map((item) => item.epoch);
    expect(epochs).toEqual(epochs.toSorted((a, b) => b - a));
    expect(new Set(epochs).size).toBe(4);
  });

  it('a stop nobody ordered is not found', async () => {
    for (const path of [
      `/v1/stops/${newId('stop')}`,
      `/v1/stops/${newId('stop')}/obligations`,
      `/v1/events?stop=${newId('stop')}`,
    ]) {
      expect(field((await rig.call('GET', path, { as: 'viewer' })).body, 'code')).toBe('unknown-stop');
    }
    expect(
      field(
        (await rig.call('POST', `/v1/stops/${newId('stop')}:reset`, { as: 'operator', body: { reason: 'x' } })).body,
        'code',
      ),
    ).toBe('unknown-stop');
  });
});
