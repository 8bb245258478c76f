import { beforeAll, expect, it } from 'vitest';
import { agentKey, labelKey, taskKey } from '../../src/core/scope-key.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { tripBreaker } from '../../src/store/breakers.ts';
import { latch } from '../../src/store/latch.ts';
import {
  acknowledgeNotices,
  beginDelivery,
  claimCard,
  endDelivery,
  failingEndpoints,
  listNotices,
  type NewsLimits,
  noteCard,
  noteNews,
  planDeliveries,
  settleNotice,
  takeNotices,
} from '../../src/store/notices.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { terms } from './calls.ts';
import { addAgent, digestOf, type Ledger, makeLedger, newId, order, startTask } from './ledger.ts';

const limits: NewsLimits = { windowMs: 86_400_000, crowd: 1_000, crowdMs: 60_000, flood: 5, lostMs: 10_000 };

onEveryPostgres('notices', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });
  const revoker = () => ledger.as('estop_revoker');
  const note = (changes: Partial<NewsLimits> = {}, nobody?: string) =>
    noteNews(revoker(), { ...limits, ...changes }, nobody);
  const eventsOf = async (subject: string): Promise<readonly string[]> =>
    (await listNotices(ledger.as('estop_control'), { subject, limit: 200 })).map(({ event }) => event).reverse();
  const stamp = (stopId: string, stage: string, at = 'clock_timestamp()') =>
    ledger.sql(
      `INSERT INTO estop.stop_progress (stop_id, ${stage}) VALUES ($1, ${at}) ON CONFLICT (stop_id) DO UPDATE SET ${stage} = ${at}`,
      [stopId],
    );
  const latched = async (scopeKey: string): Promise<string> => {
    const placed = order(scopeKey);
    await latch(ledger.as('estop_stop'), placed);
    return placed.stopId;
  };

  it('tells each stage of a stop once, however often it is looked at', async () => {
    const stopId = await latched(agentKey('told-once'));
    await note();
    await note();
    expect(await eventsOf(stopId)).toEqual(['stop.latched']);
    for (const stage of ['fenced_at', 'halted_at', 'revoked_at', 'proved_at']) await stamp(stopId, stage);
    await note();
    await note();
    expect(await eventsOf(stopId)).toEqual([
      'stop.latched',
      'stop.fenced',
      'stop.halted',
      'stop.revoked',
      'stop.proved',
    ]);
  });

  it('says so when a stop is no longer proved, and when it is again', async () => {
    const stopId = await latched(agentKey('proved-twice'));
    await stamp(stopId, 'proved_at');
    await note();
    await stamp(stopId, 'proved_at', 'NULL');
    await note();
    await stamp(stopId, 'proved_at');
    await note();
    expect(await eventsOf(stopId)).toEqual(['stop.latched', 'stop.proved', 'stop.proof-withdrawn', 'stop.proved']);
  });

  it('in a crowd of stops raises one alarm; those over one agent or task are quiet, a wide one is not', async () => {
    const before = await ledger.sql("SELECT 1 FROM estop.notices WHERE event = 'stop.burst'");
    expect(before).toEqual([]);
    const narrow = [];
    for (let nth = 0; nth < 6; nth += 1) narrow.push(await latched(agentKey(`crowded-${nth}`)));
    const wide = await latched(labelKey('team', 'finance'));
    await note({ crowd: 5 });
    await note({ crowd: 5 });
    expect((await listNotices(ledger.as('estop_control'), { subject: 'stops' })).map(({ event }) => event)).toEqual([
      'stop.burst',
    ]);
    for (const stopId of narrow) {
      const [notice] = await listNotices(ledger.as('estop_control'), { subject: stopId });
      expect(notice?.quiet).toBe('crowd');
    }
    const [fleet] = await listNotices(ledger.as('estop_control'), { subject: wide });
    expect(fleet).not.toHaveProperty('quiet');
  });

  it('is written once where several relays look at the same time, and none of them waits for another', async () => {
    const stopId = await latched(agentKey('at-once'));
    const other = await ledger.session();
    await other.query('BEGIN');
    await other.query('SELECT estop.note_news(86400000, 1000, 60000, 5, 10000, NULL)');
    expect(await note()).toBe(0);
    await other.query('COMMIT');
    await Promise.all(Array.from({ length: 6 }, () => note()));
    expect(await eventsOf(stopId)).toEqual(['stop.latched']);
  });

  it('tells a task stop to the agent whose task it is', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    const stopId = await latched(taskKey(task.taskId));
    await note();
    const [notice] = await listNotices(ledger.as('estop_control'), { subject: stopId });
    expect(notice?.agents).toEqual([agent.agentId]);
  });

  it('waits for no lock of a latch, and a latch for none of its', async () => {
    const holder = await ledger.session();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM estop.latch_order FOR UPDATE');
    await expect(note()).resolves.toBeTypeOf('number');
    await holder.query('ROLLBACK');
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE estop.notices, estop.noticed_stops IN ACCESS EXCLUSIVE MODE');
    const stopId = await latched(agentKey('unhindered'));
    await holder.query('ROLLBACK');
    await note();
    expect(await eventsOf(stopId)).toEqual(['stop.latched']);
  });

  it('gives each notice to one taker, and again to another only after a while', async () => {
    await note();
    const first = await takeNotices(revoker(), 60_000, 200);
    const second = await takeNotices(revoker(), 60_000, 200);
    expect(first.length).toBeGreaterThan(0);
    expect(second).toEqual([]);
    expect((await takeNotices(revoker(), 0, 200)).length).toBe(first.length);
  });

  it('keeps a delivery that has ended as it ended, and settles a notice only when none is open', async () => {
    await latched(agentKey('delivered'));
    await note();
    const [taken] = await takeNotices(revoker(), 0, 1);
    const noticeId = taken?.noticeId ?? '';
    const key = { noticeId, endpoint: 'pager', rung: '' };
    await planDeliveries(revoker(), noticeId, [{ endpoint: 'pager', rung: '', afterMs: 0 }]);
    const again = await planDeliveries(revoker(), noticeId, [{ endpoint: 'other', rung: '', afterMs: 0 }]);
    expect(again.map(({ endpoint }) => endpoint)).toEqual(['pager']);
    expect(await beginDelivery(revoker(), key)).toBe(1);
    await endDelivery(revoker(), key, 'open', '503');
    const settledAt = async () =>
      (await ledger.sql('SELECT settled_at FROM estop.notices WHERE notice_id = $1', [noticeId]))[0]?.['settled_at'];
    await settleNotice(revoker(), noticeId);
    expect(await settledAt()).toBeNull();
    const failing = () => failingEndpoints(ledger.as('estop_control'));
    for (const nth of [2, 3]) {
      expect(await failing()).toEqual([]);
      expect(await beginDelivery(revoker(), key)).toBe(nth);
      await endDelivery(revoker(), key, 'open', '503');
    }
    expect(await failing()).toEqual(['pager']);
    await beginDelivery(revoker(), key);
    await endDelivery(revoker(), key, 'delivered', '200');
    expect(await failing()).toEqual([]);
    await endDelivery(revoker(), key, 'failed', 'late');
    expect(await beginDelivery(revoker(), key)).toBeUndefined();
    await settleNotice(revoker(), noticeId);
    expect(await settledAt()).not.toBeNull();
  });

  it('is acknowledged once, by a name, for all that concerns one stop', async () => {
    const stopId = await latched(agentKey('acknowledged'));
    await stamp(stopId, 'fenced_at');
    await note();
    const control = ledger.as('estop_control');
    expect(await acknowledgeNotices(control, stopId, 'Olga')).toBe(2);
    expect(await acknowledgeNotices(control, stopId, 'Sam')).toBe(0);
    expect(await acknowledgeNotices(control, 'nothing', 'Sam')).toBeUndefined();
    const audited = await ledger.sql(
      "SELECT actor FROM estop.audit WHERE kind = 'notice.acknowledged' AND subject = $1",
      [stopId],
    );
    expect(audited).toEqual([{ actor: 'Olga' }]);
  });

  it('lets one at a time change a card, and tells the next one that a message may exist', async () => {
    const card = { endpoint: 'chat', subject: newId('stop') };
    expect(await claimCard(revoker(), { ...card, claimer: 'a' }, 60_000)).toEqual({ kind: 'yours', mayExist: false });
    expect(await claimCard(revoker(), { ...card, claimer: 'b' }, 60_000)).toEqual({ kind: 'busy' });
    await claimCard(revoker(), { ...card, claimer: 'a' }, -1);
    expect(await claimCard(revoker(), { ...card, claimer: 'b' }, 60_000)).toEqual({ kind: 'yours', mayExist: true });
    await noteCard(revoker(), { ...card, claimer: 'a' }, 'not-mine');
    await noteCard(revoker(), { ...card, claimer: 'b' }, '17.1');
    expect(await claimCard(revoker(), { ...card, claimer: 'c' }, 60_000)).toEqual({
      kind: 'yours',
      message: '17.1',
      mayExist: false,
    });
  });

  it('tells of what is in the audit and people should know, once', async () => {
    const subjects = ['policy.activated', 'tool.changed', 'elevation.begun'].map(
      (kind) => [kind, `audit:${kind}`] as const,
    );
    for (const [kind, subject] of subjects)
      await ledger.sql('SELECT estop.append_audit($1, $2, $3, $4)', [kind, 'Olga', subject, '{}']);
    await ledger.sql('SELECT estop.append_audit($1, $2, $3, $4)', ['task.held', 'Olga', 'audit:other', '{}']);
    await note();
    await note();
    for (const [kind, subject] of subjects) expect(await eventsOf(subject)).toEqual([kind]);
    expect(await eventsOf('audit:other')).toEqual([]);
  });

  it('tells of a gateway that has had no lease for a while, and not of one that closed', async () => {
    const gone = newId('gw');
    const closed = newId('gw');
    const late = newId('gw');
    const at = (id: string, seen: string, retired: string) =>
      ledger.sql(
        `INSERT INTO estop.gateways (gateway_id, address, lapse_seen_at, retired_at) VALUES ($1, 'http://gw', ${seen}, ${retired})`,
        [id],
      );
    await at(gone, "clock_timestamp() - interval '11 s'", 'NULL');
    await at(closed, 'NULL', 'clock_timestamp()');
    await at(late, "clock_timestamp() - interval '5 s'", 'NULL');
    await note();
    await note();
    expect(await eventsOf(gone)).toEqual(['gateway.lost']);
    expect(await eventsOf(closed)).toEqual([]);
    expect(await eventsOf(late)).toEqual([]);
  });

  it('tells of an obligation that needs a person once for a stop and a connector, and of a trip, not of a shadow', async () => {
    const stopId = await latched(agentKey('needy'));
    for (const [grant, connector] of [
      ['a', 'crm'],
      ['b', 'crm'],
      ['c', 'bank'],
    ] as const)
      await ledger.sql(
        `INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, needs_human)
         VALUES ($1, $2, $2, 1, $3, 'needy', 'task', $4, 'x', 'open', 'somebody must look')`,
        [`${stopId}/${grant}`, stopId, grant, connector],
      );
    await note();
    await note();
    expect(await eventsOf(stopId)).toEqual(['stop.latched', 'obligation.needs-human', 'obligation.needs-human']);
    // It says of which stop, by what people know of one.
    expect((await listNotices(revoker(), { subject: stopId }))[0]).toMatchObject({
      facts: { scopeKey: 'agent:needy', reason: expect.any(String) as string, connector: expect.any(String) as string },
    });
    const rule = { breaker: 'call-rate', most: 1, atLeast: 0, withinMs: 60_000 } as const;
    for (const action of ['shadow', 'warn'] as const)
      await tripBreaker(revoker(), { agentId: `agent-${action}`, rule: { ...rule, action }, measured: 2, sample: 2 });
    await note();
    expect(await eventsOf('agent-warn')).toEqual(['breaker.tripped']);
    expect(await eventsOf('agent-shadow')).toEqual([]);
  });

  it('tells five requests of one agent for approval in a minute one by one, then that there are too many', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    for (let nth = 0; nth < 8; nth += 1)
      await requestApproval(ledger.as('estop_gateway'), {
        approvalId: newId('appr'),
        taskId: task.taskId,
        tokenEpoch: task.epoch,
        toolKey: 'tool:bank/pay',
        digest: digestOf(`${agent.agentId} ${nth}`),
        shown: '{}',
        ttlMs: 60_000,
        ...terms,
      });
    await note();
    await note();
    const asked = await ledger.sql(
      "SELECT quiet, count(*)::int AS n FROM estop.notices WHERE event = 'approval.asked' AND agents = ARRAY[$1] GROUP BY 1 ORDER BY 1",
      [agent.agentId],
    );
    expect(asked).toEqual([
      { quiet: 'flood', n: 3 },
      { quiet: null, n: 5 },
    ]);
    expect(await eventsOf(agent.agentId)).toEqual(['approval.flood']);
    await ledger.sql("UPDATE estop.approvals SET state = 'denied' WHERE agent_id = $1", [agent.agentId]);
    await note();
    const ended = await ledger.sql(
      "SELECT count(*)::int AS n FROM estop.notices WHERE event = 'approval.ended' AND agents = ARRAY[$1]",
      [agent.agentId],
    );
    expect(ended).toEqual([{ n: 8 }]);
  });

  it('writes down what nobody is told of, so that nothing old is told when somebody is', async () => {
    const stopId = await latched(agentKey('before-anybody'));
    await note({}, 'nobody');
    await note();
    const [notice] = await listNotices(ledger.as('estop_control'), { subject: stopId });
    expect(notice?.quiet).toBe('nobody');
  });
});
