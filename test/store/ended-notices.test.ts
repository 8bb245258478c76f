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
});
