import { beforeAll, expect, it } from 'vitest';
import { toolKey } from '../../src/core/scope-key.ts';
import { decideApproval, getApproval, listApprovals, requestApproval } from '../../src/store/approvals.ts';
import { closeStaleApprovals } from '../../src/store/fence.ts';
import { setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { callsThrough, terms, tool } from './calls.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, digestOf, type Ledger, makeLedger, newId, newName, startTask, stopAgent } from './ledger.ts';
import { untilBlocked } from './waiting.ts';

onEveryPostgres('approvals', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = await addGateway(ledger);
  });

  const { call, approve } = callsThrough(() => gatewayId);

  guarded(
    () => ledger,
    "a call that waited for an approval's row sees the stop that was latched meanwhile",
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      await approve(l, task);
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.approvals WHERE task_id = $1 FOR UPDATE', [task.taskId]);
      const name = newName('admit');
      const waiting = call(l, task, { needsApproval: true }, l.alone('estop_gateway', name));
      await untilBlocked(l, name);
      const stopped = await stopAgent(l, agent);
      await holder.query('COMMIT');
      expect(await waiting).toEqual({ kind: 'stopped', stopId: stopped.stopId });
    },
    // rule: admit-stops-last (K2)
    {
      what: 'reading the stops last',
      in: 'estop.admit',
      find: /(c := estop\.record_call\([\s\S]*?;)([\s\S]*?)d := estop\.decide_call\([\s\S]*?;/,
      put: 'd := estop.decide_call(p_call_id, p_task_id, p_token_epoch, p_keys || p_tool_key, p_worst, NULL, NULL); $1 $2',
    },
  );

  guarded(
    () => ledger,
    'a call needs an approval of exactly these bytes, of its task and its tool, once',
    async (l) => {
      const agent = await addAgent(l);
      const [task, other] = [await startTask(l, agent), await startTask(l, agent)];
      expect(await call(l, task, { needsApproval: true })).toEqual({ kind: 'needs-approval' });
      const approvalId = await approve(l, task);
      expect(await call(l, task, { needsApproval: true, digest: digestOf('another call') })).toEqual({
        kind: 'needs-approval',
      });
      expect(await call(l, task, { needsApproval: true, toolKey: toolKey('mail', 'delete') })).toEqual({
        kind: 'needs-approval',
      });
      expect(await call(l, other, { needsApproval: true })).toEqual({ kind: 'needs-approval' });
      expect(await call(l, task, { needsApproval: true })).toEqual({ kind: 'allow', approvalId });
      expect(await call(l, task, { needsApproval: true })).toEqual({ kind: 'needs-approval' });
      expect((await getApproval(l.as('estop_trusted'), approvalId))?.state).toBe('redeemed');
    },
    { what: 'the digest', in: 'estop.record_call', find: 'AND a.digest = p_digest', put: '' },
    { what: 'the tool', in: 'estop.record_call', find: 'AND a.tool_key = p_tool_key', put: '' },
    {
      what: 'the task',
      in: 'estop.record_call',
      find: 'WHERE a.task_id = p_task_id AND a.digest',
      put: 'WHERE a.digest',
    },
    { what: 'spending it', in: 'estop.record_call', find: `SET state = 'redeemed', call_id`, put: 'SET call_id' },
  );

  guarded(
    () => ledger,
    'one is redeemed once, however many try at the same time',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      await approve(l, task);
      const results = await Promise.all(Array.from({ length: 50 }, () => call(l, task, { needsApproval: true })));
      expect(results.filter((result) => result.kind === 'allow')).toHaveLength(1);
      expect(results.filter((result) => result.kind === 'needs-approval')).toHaveLength(49);
    },
    {
      what: 'spending it in the statement that finds it',
      in: 'estop.record_call',
      find: /UPDATE estop\.approvals a SET state = 'redeemed', call_id = p_call_id\s+WHERE ([\s\S]*?)\s+RETURNING a\.approval_id INTO redeemed;/,
      put: `SELECT a.approval_id INTO redeemed FROM estop.approvals a WHERE $1; PERFORM pg_sleep(0.1);
        UPDATE estop.approvals a SET state = 'redeemed' WHERE a.approval_id = redeemed;`,
    },
  );

  guarded(
    () => ledger,
    'whoever asked for the task can deny its calls but not approve them',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      const asked = await requestApproval(l.as('estop_gateway'), {
        approvalId: newId('appr'),
        taskId: task.taskId,
        tokenEpoch: task.epoch,
        toolKey: tool,
        digest: digestOf('x'),
        shown: 'x',
        ttlMs: 60_000,
        ...terms,
      });
      const approvalId = asked.kind === 'open' ? asked.approvalId : '';
      const control = l.as('estop_control');
      expect(await decideApproval(control, { approvalId, decision: 'approved', actor: 'rita', reason: '' })).toEqual({
        kind: 'not-eligible',
        taskId: task.taskId,
      });
      expect((await getApproval(control, approvalId))?.state).toBe('pending');
      expect(
        await decideApproval(control, { approvalId, decision: 'denied', actor: 'rita', reason: 'no' }),
      ).toMatchObject({ kind: 'decided', state: 'denied' });
      expect(await decideApproval(control, { approvalId, decision: 'approved', actor: 'anna', reason: '' })).toEqual({
        kind: 'closed',
        taskId: task.taskId,
        state: 'denied',
      });
      expect(
        await decideApproval(control, { approvalId: newId('appr'), decision: 'approved', actor: 'anna', reason: '' }),
      ).toEqual({ kind: 'unknown' });
    },
    { what: 'the requester', in: 'estop.decide_approval', find: 'lower(a.requested_by) = ANY (names)', put: 'false' },
    {
      what: 'deciding only once',
      in: 'estop.decide_approval',
      find: `IF a.state <> 'pending' THEN`,
      put: 'IF false THEN',
    },
  );

  it('a decision is approved or denied and nothing else', async () => {
    const control = ledger.as('estop_control');
    for (const word of ['redeemed', 'closed', 'APPROVED', '']) {
      await expect(
        control.query('SELECT * FROM estop.decide_approval($1, $2, $3, $4)', [newId('appr'), word, 'anna', '']),
      ).rejects.toThrow(/approved or denied/);
    }
  });

  guarded(
    () => ledger,
    'an approval whose time is over is a denial',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      const approvalId = await approve(l, task);
      await l.sql(
        `UPDATE estop.approvals SET expires_at = clock_timestamp() - interval '1 ms' WHERE approval_id = $1`,
        [approvalId],
      );
      expect(await call(l, task, { needsApproval: true })).toEqual({ kind: 'needs-approval' });
      expect((await getApproval(l.as('estop_trusted'), approvalId))?.state).toBe('expired');
      await closeStaleApprovals(l.as('estop_revoker'));
      expect((await listApprovals(l.as('estop_control'), { taskId: task.taskId })).items).toMatchObject([
        { state: 'expired' },
      ]);
      // A new request for the same bytes is a new approval.
      const again = await requestApproval(l.as('estop_gateway'), {
        approvalId: newId('appr'),
        taskId: task.taskId,
        tokenEpoch: task.epoch,
        toolKey: tool,
        digest: digestOf('the call'),
        shown: 'x',
        ttlMs: 1,
        ...terms,
      });
      expect(again).toMatchObject({ kind: 'open', state: 'pending' });
    },
    {
      what: 'the expiry at redemption',
      in: 'estop.is_still_approved',
      find: 'AND a.expires_at > clock_timestamp()',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'a stop closes every approval it covers, also one whose decision is on its way',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const control = l.as('estop_control');
      const open = async (text: string): Promise<string> => {
        const asked = await requestApproval(l.as('estop_gateway'), {
          approvalId: newId('appr'),
          taskId: task.taskId,
          tokenEpoch: task.epoch,
          toolKey: tool,
          digest: digestOf(text),
          shown: text,
          ttlMs: 60_000,
          ...terms,
        });
        return asked.kind === 'open' ? asked.approvalId : '';
      };
      const [approved, pending, racing] = [await approve(l, task, 'one'), await open('two'), await open('three')];
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.approvals WHERE approval_id = $1 FOR UPDATE', [racing]);
      const name = newName('decide');
      const deciding = decideApproval(l.alone('estop_control', name), {
        approvalId: racing,
        decision: 'approved',
        actor: 'anna',
        reason: '',
      });
      await untilBlocked(l, name);
      await stopAgent(l, agent);
      await holder.query('COMMIT');
      expect(await deciding).toEqual({ kind: 'closed', taskId: task.taskId, state: 'closed' });
      expect(
        await decideApproval(control, { approvalId: pending, decision: 'approved', actor: 'anna', reason: '' }),
      ).toMatchObject({ kind: 'closed' });
      await closeStaleApprovals(l.as('estop_revoker'));
      expect((await getApproval(control, approved))?.state).toBe('closed');
      expect(
        await requestApproval(l.as('estop_gateway'), {
          approvalId: newId('appr'),
          taskId: task.taskId,
          tokenEpoch: task.epoch,
          toolKey: tool,
          digest: digestOf('four'),
          shown: '',
          ttlMs: 1_000,
          ...terms,
        }),
      ).toEqual({ kind: 'refused' });
      expect(
        (await listApprovals(control, { taskId: task.taskId })).items.filter((one) => one.state === 'pending'),
      ).toEqual([]);
    },
    {
      what: 'the stop check of a decision',
      in: 'estop.decide_approval',
      find: 'IF killer IS NOT NULL THEN',
      put: 'IF false THEN',
    },
    {
      what: 'closing what is dead',
      in: 'estop.close_stale_approvals',
      find: 'OR estop.dead_by(y.keys, y.agents, y.epoch) IS NOT NULL',
      put: '',
    },
    {
      what: 'closing a request that came too late',
      in: 'estop.request_approval',
      find: /UPDATE estop\.approvals a SET state = 'closed'\s+WHERE/,
      put: `UPDATE estop.approvals a SET state = 'closed' WHERE false AND`,
    },
  );

  guarded(
    () => ledger,
    'a hold gives the approval back, a stop does not',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const approvalId = await approve(l, task);
      await setTaskHeld(l.as('estop_control'), task.taskId, true, 'olga');
      expect(await call(l, task, { needsApproval: true })).toEqual({ kind: 'held' });
      expect((await getApproval(l.as('estop_control'), approvalId))?.state).toBe('approved');
      await setTaskHeld(l.as('estop_control'), task.taskId, false, 'olga');
      expect(await call(l, task, { needsApproval: true })).toEqual({ kind: 'allow', approvalId });
      const second = await approve(l, task);
      await stopAgent(l, agent);
      expect((await call(l, task, { needsApproval: true })).kind).toBe('stopped');
      expect((await getApproval(l.as('estop_control'), second))?.state).toBe('closed');
    },
    {
      what: 'giving it back',
      in: 'estop.decide_call',
      find: `CASE WHEN killer IS NULL AND task_open THEN 'approved' ELSE 'closed' END`,
      put: `'closed'`,
    },
    {
      what: 'closing it',
      in: 'estop.decide_call',
      find: `CASE WHEN killer IS NULL AND task_open THEN 'approved' ELSE 'closed' END`,
      put: `'approved'`,
    },
  );
});
