import { beforeAll, expect } from 'vitest';
import { decideApproval, requestApproval } from '../../src/store/approvals.ts';
import { listNotices, type NewsLimits, noteNews, planDeliveries } from '../../src/store/notices.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { terms, tool } from './calls.ts';
import { guarded } from './guarded.ts';
import { addAgent, digestOf, type Ledger, makeLedger, newId, startTask, stopAgent } from './ledger.ts';

const limits: NewsLimits = { windowMs: 86_400_000, crowd: 1_000, crowdMs: 60_000, flood: 1_000, lostMs: 10_000 };

onEveryPostgres('an escalation', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  const of = (l: Ledger, subject: string) => listNotices(l.as('estop_control'), { subject, limit: 50 });
  const note = (l: Ledger) => noteNews(l.as('estop_revoker'), limits);
  /** Everything there is about it is told rung by rung from now on. */
  async function escalate(l: Ledger, subject: string): Promise<void> {
    for (const { noticeId } of await of(l, subject))
      await planDeliveries(l.as('estop_revoker'), noticeId, [{ endpoint: 'duty', rung: 'on-call', afterMs: 60_000 }]);
  }
  const seenBy = async (l: Ledger, subject: string): Promise<readonly string[]> =>
    (await of(l, subject)).map(({ event, ackedBy }) => `${event}: ${ackedBy ?? 'open'}`).toSorted();

  async function asked(l: Ledger): Promise<string> {
    const task = await startTask(l, await addAgent(l));
    const wanted = await requestApproval(l.as('estop_gateway'), {
      approvalId: newId('appr'),
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: tool,
      digest: digestOf(task.taskId),
      shown: 'a call',
      ttlMs: 60_000,
      ...terms,
    });
    if (wanted.kind !== 'open') throw new Error('no approval was opened');
    await note(l);
    await escalate(l, wanted.approvalId);
    return wanted.approvalId;
  }

  guarded(
    () => ledger,
    'of a call ends with its decision, and one that ran out calls nobody else either',
    async (l) => {
      const [denied, approved, expired, open] = [await asked(l), await asked(l), await asked(l), await asked(l)];
      for (const [approvalId, decision] of [
        [denied, 'denied'],
        [approved, 'approved'],
      ] as const)
        await decideApproval(l.as('estop_control'), { approvalId, decision, actor: 'anna', reason: '' });
      await l.sql("UPDATE estop.approvals SET state = 'expired' WHERE approval_id = $1", [expired]);
      await note(l);
      for (const decided of [denied, approved])
        expect(await seenBy(l, decided)).toEqual(['approval.asked: anna', 'approval.ended: open']);
      expect(await seenBy(l, expired)).toEqual(['approval.asked: nobody: it is expired', 'approval.ended: open']);
      expect(await seenBy(l, open)).toEqual(['approval.asked: open']);
    },
    {
      what: 'the decision',
      in: 'estop.acknowledge_ended',
      find: 'coalesce(a.decided_at, a.ended_at)',
      put: 'a.ended_at',
    },
    { what: 'the end', in: 'estop.acknowledge_ended', find: 'coalesce(a.decided_at, a.ended_at)', put: 'a.decided_at' },
    {
      what: 'that there is one',
      in: 'estop.acknowledge_ended',
      find: 'coalesce(a.decided_at, a.ended_at)',
      put: 'clock_timestamp()',
    },
  );

  guarded(
    () => ledger,
    'of a stop ends with its reset; what needs a human under it goes on, and so does that of a stop in force',
    async (l) => {
      const [reset, inForce] = [await stopAgent(l, await addAgent(l)), await stopAgent(l, await addAgent(l))];
      await note(l);
      for (const { stopId } of [reset, inForce]) {
        await l.sql("SELECT estop.add_notice('obligation.needs-human', $1, 'crm', '{}', '{}', NULL)", [stopId]);
        await escalate(l, stopId);
      }
      await l.sql(
        "UPDATE estop.stops SET reset_at = clock_timestamp(), reset_epoch = epoch + 1000, reset_by = 'grace', reset_reason = 'safe' WHERE stop_id = $1",
        [reset.stopId],
      );
      await note(l);
      await l.sql("SELECT estop.add_notice('stop.proof-withdrawn', $1, '', '{}', '{}', NULL)", [reset.stopId]);
      await escalate(l, reset.stopId);
      await note(l);
      expect(await seenBy(l, reset.stopId)).toEqual([
        'obligation.needs-human: open',
        'stop.latched: grace',
        'stop.proof-withdrawn: open',
        'stop.reset: open',
      ]);
      expect(await seenBy(l, inForce.stopId)).toEqual(['obligation.needs-human: open', 'stop.latched: open']);
    },
    { what: 'the reset', in: 'estop.acknowledge_ended', find: 's.reset_at IS NOT NULL', put: 'false' },
    { what: 'whose event it is', in: 'estop.acknowledge_ended', find: 'AND starts_with(n.event, e.event)', put: '' },
    {
      what: 'what came after it',
      in: 'estop.acknowledge_ended',
      find: 'AND n.noted_at <= e.at',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'of what needs a human ends when the last probe of all of it has passed, and not before',
    async (l) => {
      const { stopId } = await stopAgent(l, await addAgent(l));
      const other = await stopAgent(l, await addAgent(l));
      const owe = (connector: string, cause: string) =>
        l.sql(
          `INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, needs_human)
           VALUES ($1 || '/' || $2, $1, $1, 1, $2, 'a-bot', 'a-task', $3, 'a target', 'open', 'our own credential is refused')`,
          [cause, newId('grant'), connector],
        );
      for (const connector of ['crm', 'crm', 'erp']) await owe(connector, stopId);
      await owe('crm', other.stopId);
      await note(l);
      for (const cause of [stopId, other.stopId]) await escalate(l, cause);
      const end = (which: string) =>
        l.sql(
          `UPDATE estop.obligations SET final_at = clock_timestamp(), state = 'proved', needs_human = NULL
           WHERE obligation_id IN (SELECT obligation_id FROM estop.obligations WHERE cause_id = $1 AND connector = 'crm' AND final_at IS NULL ${which})`,
          [stopId],
        );
      const told = ['obligation.needs-human: open', 'obligation.needs-human: open', 'stop.latched: open'];
      await end('LIMIT 1');
      await note(l);
      expect(await seenBy(l, stopId)).toEqual(told);
      await end('');
      await note(l);
      expect(await seenBy(l, stopId)).toEqual([
        'obligation.needs-human: nobody: nothing is left to do there',
        ...told.slice(1),
      ]);
      expect(await seenBy(l, other.stopId)).toEqual(told.slice(1));
    },
    {
      what: 'the last probe',
      in: 'estop.acknowledge_ended',
      find: 'AND o.final_at IS NULL',
      put: 'AND o.needs_human IS NOT NULL AND false',
    },
    {
      what: 'where it is',
      in: 'estop.acknowledge_ended',
      find: 'AND o.connector = n.nth AND o.final_at IS NULL',
      put: 'AND o.final_at IS NULL',
    },
  );
});
