import { beforeAll, expect, it } from 'vitest';
import { oneCall } from '../../src/core/budget.ts';
import { admit, settle } from '../../src/store/calls.ts';
import { noteStopSeen, reportFence } from '../../src/store/fence.ts';
import { confirmFence, retireGateway } from '../../src/store/gateways.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { terms } from './calls.ts';
import { addGateway, lapse, leaseMs, onlyThese, seenLongAgo, view } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, digestOf, fence, type Ledger, makeLedger, newId, startTask, stop, stopAgent } from './ledger.ts';

onEveryPostgres('the fence', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'a stop is fenced once every gateway has confirmed its epoch',
    async (l) => {
      await onlyThese(l);
      const [first, second] = [await addGateway(l), await addGateway(l)];
      await view(l, first);
      await view(l, second);
      const stopped = await stop(l, 'agent:fenced');
      expect(await fence(l, stopped.stopId)).toBe(false);
      await confirmFence(l.as('estop_gateway'), first, stopped.epoch, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(false);
      const waiting = (await stopProgress(l.as('estop_control'), stopped.stopId))?.gateways;
      expect(waiting).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ gatewayId: first, outcome: 'confirmed' }),
          { gatewayId: second, outcome: 'waiting' },
        ]),
      );
      await confirmFence(l.as('estop_gateway'), second, stopped.epoch, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
      expect((await stopProgress(l.as('estop_control'), stopped.stopId))?.stage).toBe('fenced');
    },
    {
      what: 'waiting for those that did not confirm',
      in: 'estop.report_fence',
      find: /IF EXISTS \(SELECT 1 FROM estop\.gateways g[\s\S]*?END IF;/,
      put: '',
    },
    {
      what: 'confirming that epoch and no older one',
      in: 'estop.report_fence',
      find: '(g.confirmed_epoch >= s.epoch OR (',
      put: '(g.confirmed_epoch >= 0 OR (',
    },
  );

  guarded(
    () => ledger,
    'a gateway cannot confirm an epoch that nobody has latched',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      expect(await confirmFence(l.as('estop_gateway'), gatewayId, 1_000_000, undefined)).toBe(false);
      const stopped = await stop(l, 'agent:early');
      expect(await fence(l, stopped.stopId)).toBe(false);
    },
    // rule: confirm-that-epoch
    {
      what: 'the bound of the newest epoch',
      in: 'estop.confirm_fence',
      find: 'AND p_epoch <= estop.current_epoch()',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'a gateway cannot confirm an epoch that another order has taken, nor one whose order it does not name',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      const stopped = await stop(l, 'agent:taken');
      for (const other of ['stop_test_of-a-store-that-is-lost', undefined])
        expect(await confirmFence(l.as('estop_gateway'), gatewayId, stopped.epoch, other)).toBe(false);
      expect(await fence(l, stopped.stopId)).toBe(false);
      expect(await confirmFence(l.as('estop_gateway'), gatewayId, stopped.epoch, stopped.stopId)).toBe(true);
    },
    // rule: confirm-that-epoch
    {
      what: 'the order that took the epoch',
      in: 'estop.confirm_fence',
      find: 'AND estop.order_at(p_epoch) IS NOT DISTINCT FROM p_order',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'a silent gateway counts as expired no sooner than first sight of the stop plus one lease',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      await lapse(l, gatewayId);
      const stopped = await stop(l, 'agent:silent');
      // The row says that its lease is over, but a renewal that read the stops before the latch may be on its way.
      expect(await fence(l, stopped.stopId)).toBe(false);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
      expect((await stopProgress(l.as('estop_control'), stopped.stopId))?.gateways).toEqual([
        expect.objectContaining({ gatewayId, outcome: 'expired' }),
      ]);
    },
    // rule: expired-not-before-commit-plus-lease
    {
      what: 'counting from first sight',
      in: 'estop.report_fence',
      find: 'AND clock_timestamp() >= p.seen_at + make_interval(secs => p_lease_ms / 1000.0)',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'a gateway with a lease is never expired, however long ago the stop was',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      const stopped = await stop(l, 'agent:alive');
      await fence(l, stopped.stopId);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(false);
    },
    { what: 'the lease in the row', in: 'estop.report_fence', find: 'g.lease_until < clock_timestamp() AND', put: '' },
  );

  it('a newcomer that registered after the report reads a view that holds the stop', async () => {
    await onlyThese(ledger);
    const stopped = await stop(ledger, 'agent:newcomer');
    expect(await fence(ledger, stopped.stopId)).toBe(true);
    const gatewayId = await addGateway(ledger);
    expect((await view(ledger, gatewayId)).stops).toContainEqual(
      expect.objectContaining({ stopId: stopped.stopId, inForce: true }),
    );
  });

  it('a newcomer that registered before the report is waited for', async () => {
    await onlyThese(ledger);
    const stopped = await stop(ledger, 'agent:newcomer-2');
    const gatewayId = await addGateway(ledger);
    await view(ledger, gatewayId);
    expect(await fence(ledger, stopped.stopId)).toBe(false);
    await confirmFence(ledger.as('estop_gateway'), gatewayId, stopped.epoch, stopped.stopId);
    expect(await fence(ledger, stopped.stopId)).toBe(true);
  });

  guarded(
    () => ledger,
    'a gateway that retired after the latch without confirming is still accounted for',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      const stopped = await stop(l, 'agent:going');
      await retireGateway(l.as('estop_gateway'), gatewayId);
      expect(await fence(l, stopped.stopId)).toBe(false);
      await lapse(l, gatewayId);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
    },
    {
      what: 'waiting for it',
      in: 'estop.report_fence',
      find: /IF EXISTS \(SELECT 1 FROM estop\.gateways g\s+WHERE \(g\.retired_at IS NULL OR g\.retired_at > s\.latched_at\)/,
      put: 'IF EXISTS (SELECT 1 FROM estop.gateways g WHERE g.retired_at IS NULL',
    },
  );

  guarded(
    () => ledger,
    'unsettled calls of an expired gateway are reported possibly completed, and stay so',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      const [agent, other] = [await addAgent(l), await addAgent(l)];
      const calls = [];
      for (const task of [await startTask(l, agent), await startTask(l, other)]) {
        const callId = newId('call');
        calls.push(callId);
        await admit(l.as('estop_gateway'), {
          callId,
          gatewayId,
          taskId: task.taskId,
          tokenEpoch: task.epoch,
          keys: task.keys,
          toolKey: 'tool:mail/send',
          digest: digestOf('x'),
          needsApproval: false,
          worst: oneCall,
          ...terms,
        });
      }
      const stopped = await stopAgent(l, agent);
      await lapse(l, gatewayId);
      await fence(l, stopped.stopId);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
      expect((await stopProgress(l.as('estop_control'), stopped.stopId))?.possiblyCompleted).toBe(1);
      expect(await settle(l.as('estop_gateway'), String(calls[0]), 'completed')).toBe(false);
      expect(await settle(l.as('estop_gateway'), String(calls[1]), 'completed')).toBe(true);
    },
    // rule: possibly-completed
    {
      what: 'settling them',
      in: 'estop.report_fence',
      find: /UPDATE estop\.calls c SET[\s\S]*?SKIP LOCKED\);/,
      put: '',
    },
    { what: 'settling only once', in: 'estop.settle_calls', find: 'AND o.settled_at IS NULL', put: '' },
    {
      what: 'leaving others alone',
      in: 'estop.report_fence',
      find: 'x.settled_at IS NULL AND (x.keys @>',
      put: 'x.settled_at IS NULL AND (true OR x.keys @>',
    },
  );

  guarded(
    () => ledger,
    'an allow path that hangs with a row in its hands does not hold up the report',
    async (l) => {
      await onlyThese(l);
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      await l.sql(
        `INSERT INTO estop.approvals (approval_id, task_id, agent_id, agents, keys, epoch, tool_key, digest, shown, policy_version, approvers, requested_by, state, expires_at)
         SELECT $2, task_id, agent_id, agents, keys, epoch, 'tool:a/b', '\\x00', '', 'none', 1, 'rita', 'approved', clock_timestamp() + interval '1 h' FROM estop.tasks WHERE task_id = $1`,
        [task.taskId, newId('appr')],
      );
      const stopped = await stopAgent(l, agent);
      const hung = await l.session();
      await hung.query('BEGIN');
      await hung.query('SELECT 1 FROM estop.approvals WHERE task_id = $1 FOR UPDATE', [task.taskId]);
      try {
        expect(await fence(l, stopped.stopId)).toBe(true);
      } finally {
        await hung.query('ROLLBACK');
      }
    },
    {
      what: 'skipping what is locked',
      in: 'estop.close_stale_approvals',
      find: 'FOR UPDATE SKIP LOCKED',
      put: 'FOR UPDATE',
      raises: /lock timeout/,
    },
  );

  it('a stop that nobody has seen, or that does not exist, is not fenced', async () => {
    const stopped = await stop(ledger, 'agent:unseen');
    expect(await reportFence(ledger.as('estop_revoker'), stopped.stopId, leaseMs)).toBe(false);
    await noteStopSeen(ledger.as('estop_revoker'), 'no such stop');
    expect(await reportFence(ledger.as('estop_revoker'), 'no such stop', leaseMs)).toBe(false);
  });
});
