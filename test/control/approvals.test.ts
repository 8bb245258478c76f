import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { Approval, ApprovalDecision, ApprovalPage } from '../../src/contract/http/approvals.ts';
import { TaskHistory } from '../../src/contract/http/tasks.ts';
import type { Identity } from '../../src/contract/identity.ts';
import type { TaskMessage, TaskWorkflows } from '../../src/control/task-workflows.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { closeStaleApprovals } from '../../src/store/fence.ts';
import { closeTasks, type TaskRecord } from '../../src/store/tasks.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, fence, newId, startTask, stop } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

describe('approvals over HTTP', () => {
  let rig: ControlRig;
  let canWake = true;
  const told: { taskId: string; message: TaskMessage }[] = [];
  const workflows: TaskWorkflows = {
    start: async () => 'started',
    tell: async (taskId, message) => {
      if (canWake) told.push({ taskId, message });
      return canWake;
    },
    ask: async () => undefined,
    isReachable: async () => true,
  };
  beforeAll(async () => {
    rig = (await makeControl()).withDeps({ workflows });
  });

  async function ask(
    shown = '{"amount":10}',
    ttlMs = 60_000,
    approvers: 1 | 2 = 1,
  ): Promise<{ readonly approvalId: string; readonly task: TaskRecord }> {
    const task = await startTask(rig.ledger, agentSpec('billing-bot')); // requested by rita
    const approvalId = newId('appr');
    const gateway = rig.ledger.as('estop_gateway');
    await requestApproval(gateway, {
      approvalId,
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: 'tool:bank/pay',
      digest: digestOf(shown),
      shown,
      ttlMs,
      ...terms,
      approvers,
    });
    return { approvalId, task };
  }
  const decide = (approvalId: string, as: string, body: object) =>
    rig.call('POST', `/v1/approvals/${approvalId}:decide`, { as, body });

  it('what waits is shown whole, with the digest of what will be sent', async () => {
    const shown = JSON.stringify({ to: 'x'.repeat(5_000), note: 'a\u202eb' });
    const { approvalId, task } = await ask(shown);
    const page = ApprovalPage.parse(
      (await rig.call('GET', `/v1/approvals?task=${task.taskId}`, { as: 'approver' })).body,
    );
    expect(page.items).toMatchObject([
      {
        approvalId,
        tool: 'bank/pay',
        shown,
        state: 'pending',
        requestedBy: 'rita',
        digest: Buffer.from(digestOf(shown)).toString('hex'),
      },
    ]);
  });

  it('half of an approval wakes nobody; another person makes it whole', async () => {
    const { approvalId, task } = await ask('{"amount":1000000}', 60_000, 2);
    const first = await decide(approvalId, 'ada@approver', { decision: 'approved' });
    expect(ApprovalDecision.parse(first.body)).toMatchObject({
      woken: false,
      approval: { state: 'pending', approvers: 2, firstBy: 'ada', decidedBy: null },
    });
    expect(told.filter(({ taskId }) => taskId === task.taskId)).toEqual([]);
    const again = await decide(approvalId, 'ada@approver', { decision: 'approved' });
    expect([again.status, field(again.body, 'code')]).toEqual([403, 'approval-not-eligible']);
    const second = await decide(approvalId, 'bert@approver', { decision: 'approved' });
    expect(ApprovalDecision.parse(second.body)).toMatchObject({
      woken: true,
      approval: { state: 'approved', firstBy: 'ada', decidedBy: 'bert' },
    });
  });

  it('one person with two identities is one person', async () => {
    const of = (actor: string, person: string): Identity => ({ actor, person, roles: ['approver', 'service'] });
    const identities: Readonly<Record<string, Identity>> = {
      rita: of('rita-approves', 'rita'),
      ada: of('ada', 'ada'),
      ada2: of('ada-at-home', 'ada'),
    };
    const own = rig.withDeps({
      authenticator: {
        authenticate: (header) => {
          const identity = identities[header?.slice('Bearer '.length) ?? ''];
          return identity === undefined ? { ok: false, code: 'unauthenticated' } : { ok: true, identity };
        },
        held: () =>
          Object.entries(identities).map(([token, { roles }]) => ({
            tokenHash: createHash('sha256').update(token).digest(),
            roles,
          })),
      },
    });
    await rig.ledger.sql('DELETE FROM estop.approver_lists'); // whom the process of before knew
    const { approvalId } = await ask('{"amount":5}', 60_000, 2); // requested by rita
    const by = async (as: string) =>
      (await own.call('POST', `/v1/approvals/${approvalId}:decide`, { as, body: { decision: 'approved' } })).status;
    expect([await by('rita'), await by('ada'), await by('ada2')]).toEqual([403, 200, 403]);
    const started = await own.call('POST', '/v1/tasks', { as: 'ada2', body: { agentId: 'mail-bot', prompt: 'x' } });
    expect(field(started.body, 'requestedBy')).toBe('ada');
  });

  it('a decision stands in the ledger and wakes the task', async () => {
    const { approvalId, task } = await ask();
    const answer = await decide(approvalId, 'ada@approver', { decision: 'approved', reason: 'checked with the bank' });
    expect(ApprovalDecision.parse(answer.body)).toMatchObject({
      woken: true,
      approval: { state: 'approved', decidedBy: 'ada', decisionReason: 'checked with the bank' },
    });
    expect(told).toContainEqual({ taskId: task.taskId, message: { name: 'approve', approvalId } });
  });

  it('a decision stands also where nobody could be woken', async () => {
    canWake = false;
    const { approvalId } = await ask();
    const answer = await decide(approvalId, 'approver', { decision: 'denied' });
    canWake = true;
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ woken: false, approval: { state: 'denied' } });
  });

  it('whoever asked for the task cannot approve its calls, but may deny them', async () => {
    const { approvalId } = await ask();
    const approving = await decide(approvalId, 'rita@approver', { decision: 'approved' });
    expect([approving.status, field(approving.body, 'code')]).toEqual([403, 'approval-not-eligible']);
    expect(
      await rig.ledger.sql(
        "SELECT 1 FROM estop.audit WHERE kind = 'request.denied' AND actor = 'rita' AND subject LIKE '%' || $1 || '%'",
        [approvalId],
      ),
    ).toHaveLength(1);
    expect((await decide(approvalId, 'rita@approver', { decision: 'denied' })).status).toBe(200);
  });

  it('an approval that nobody asked for is denied and recorded', async () => {
    const forged = newId('appr');
    const answer = await decide(forged, 'approver', { decision: 'approved' });
    expect([answer.status, field(answer.body, 'code')]).toEqual([404, 'unknown-approval']);
    expect(
      await rig.ledger.sql("SELECT detail->>'code' AS code FROM estop.audit WHERE subject LIKE '%' || $1 || '%'", [
        forged,
      ]),
    ).toEqual([{ code: 'unknown-approval' }]);
  });

  it('fifty people deciding at once make one decision', async () => {
    const { approvalId } = await ask();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        decide(approvalId, `p${n}@approver`, { decision: n % 2 === 0 ? 'approved' : 'denied' }),
      ),
    );
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(
      new Set(answers.filter((answer) => answer.status !== 200).map((answer) => field(answer.body, 'code'))),
    ).toEqual(new Set(['approval-closed']));
  });

  it('after its time nobody can approve, and it no longer counts as waiting', async () => {
    const { approvalId, task } = await ask('{"late":1}', 1);
    await rig.ledger.sql('SELECT pg_sleep(0.01)');
    const early = ApprovalPage.parse(
      (await rig.call('GET', `/v1/approvals?task=${task.taskId}`, { as: 'approver' })).body,
    );
    expect(early.items).toEqual([]); // before anybody has written down that it is over
    const answer = await decide(approvalId, 'approver', { decision: 'approved' });
    expect([answer.status, field(answer.body, 'code'), field(answer.body, 'detail')]).toEqual([
      409,
      'approval-closed',
      'It is expired.',
    ]);
    expect(
      ApprovalPage.parse((await rig.call('GET', `/v1/approvals?task=${task.taskId}`, { as: 'approver' })).body).items,
    ).toEqual([]);
    expect(
      ApprovalPage.parse(
        (await rig.call('GET', `/v1/approvals?task=${task.taskId}&state=all`, { as: 'approver' })).body,
      ).items,
    ).toMatchObject([{ state: 'expired' }]);
  });

  it('a stop closes what waits, and nothing is approved under it', async () => {
    const { approvalId, task } = await ask();
    const latched = await stop(rig.ledger, `task:${task.taskId}`);
    const answer = await decide(approvalId, 'approver', { decision: 'approved' });
    expect([answer.status, field(answer.body, 'code')]).toEqual([409, 'approval-closed']);
    await fence(rig.ledger, latched.stopId);
    expect(await rig.ledger.sql('SELECT state FROM estop.approvals WHERE approval_id = $1', [approvalId])).toEqual([
      { state: 'closed' },
    ]);
  });

  const read = async (approvalId: string): Promise<Approval> =>
    Approval.parse((await rig.call('GET', `/v1/approvals/${approvalId}`, { as: 'viewer' })).body);
  const story = async (taskId: string) =>
    TaskHistory.parse((await rig.call('GET', `/v1/tasks/${taskId}/history`, { as: 'viewer' })).body).entries;

  it('one is read by its id, with all of what would be sent, also after it was decided', async () => {
    const { approvalId, task } = await ask('{"to":"acme"}');
    expect(await read(approvalId)).toMatchObject({
      taskId: task.taskId,
      tool: 'bank/pay',
      shown: '{"to":"acme"}',
      state: 'pending',
      endedAt: null,
      stoppedBy: null,
    });
    await decide(approvalId, 'approver', { decision: 'denied', reason: 'no' });
    const denied = await read(approvalId);
    expect(denied).toMatchObject({ state: 'denied', decidedBy: 'approver', stoppedBy: null });
    expect(denied.endedAt).not.toBeNull();
    for (const [path, status, code] of [
      [newId('appr'), 404, 'unknown-approval'],
      ['nonsense', 422, 'invalid-input'],
    ]) {
      const answer = await rig.call('GET', `/v1/approvals/${path}`, { as: 'viewer' });
      expect([answer.status, field(answer.body, 'code')]).toEqual([status, code]);
    }
  });

  it('one that expired says when its time was over, whether or not anybody wrote that down, and the history tells it once', async () => {
    const { approvalId, task } = await ask('{"late":2}', 1);
    await rig.ledger.sql('SELECT pg_sleep(0.01)');
    for (const note of [async () => 0, () => closeStaleApprovals(rig.ledger.as('estop_revoker'))]) {
      await note();
      const expired = await read(approvalId);
      expect(expired).toMatchObject({ state: 'expired', endedAt: expired.expiresAt, stoppedBy: null });
      const told = (await story(task.taskId)).filter((entry) => entry.kind === 'approval.expired');
      expect(told).toMatchObject([{ at: expired.expiresAt, what: 'the time to decide or use bank/pay is over' }]);
    }
  });

  it('one that a stop closed says when and by which stop, and whoever had approved it still stands there', async () => {
    const { approvalId, task } = await ask();
    await decide(approvalId, 'ada@approver', { decision: 'approved' });
    const latched = await stop(rig.ledger, `task:${task.taskId}`);
    await closeStaleApprovals(rig.ledger.as('estop_revoker'));
    const closed = await read(approvalId);
    expect(closed).toMatchObject({ state: 'closed', stoppedBy: latched.stopId, decidedBy: 'ada' });
    expect(await story(task.taskId)).toContainEqual({
      at: closed.endedAt,
      kind: 'approval.closed',
      what: `approval of bank/pay closed by ${latched.stopId}`,
      to: { ref: latched.stopId, path: `/stops/${latched.stopId}` },
      by: null,
    });
  });

  it('a decision that came after the stop is nobody’s: it never stood', async () => {
    const { approvalId, task } = await ask();
    await stop(rig.ledger, `task:${task.taskId}`);
    expect((await decide(approvalId, 'ada@approver', { decision: 'denied' })).status).toBe(409);
    expect(await read(approvalId)).toMatchObject({ state: 'closed', decidedBy: null, decidedAt: null });
    const kinds = (await story(task.taskId)).map((entry) => entry.kind);
    expect(kinds).not.toContain('approval.approved');
    expect(kinds).toContain('approval.closed');
  });

  it('one whose task merely ended is closed by no stop', async () => {
    const { approvalId, task } = await ask();
    await closeTasks(rig.ledger.as('estop_trusted'), [task.taskId], 'failed');
    expect(await read(approvalId)).toMatchObject({ state: 'closed', stoppedBy: null });
    expect((await story(task.taskId)).find((entry) => entry.kind === 'approval.closed')?.what).toBe(
      'approval of bank/pay closed with its task',
    );
  });

  it('one that a hold gave back has not ended', async () => {
    const { approvalId, task } = await ask();
    await decide(approvalId, 'approver', { decision: 'approved' });
    const set = (state: string) =>
      rig.ledger.sql('UPDATE estop.approvals SET state = $2 WHERE approval_id = $1', [approvalId, state]);
    await set('redeemed');
    expect((await read(approvalId)).endedAt).not.toBeNull();
    await set('approved');
    expect(await read(approvalId)).toMatchObject({ taskId: task.taskId, state: 'approved', endedAt: null });
  });
});
