import { beforeAll, expect, it } from 'vitest';
import type { ApprovalLimits } from '../../src/core/approval.ts';
import {
  type ApprovalRequest,
  decideApproval,
  getApproval,
  type RequestedApproval,
  requestApproval,
} from '../../src/store/approvals.ts';

import { auditTrail } from '../../src/store/audit-trail.ts';
import { registerGateway } from '../../src/store/gateways.ts';
import { disablePerson, setMandates } from '../../src/store/people.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { createDatabase } from '../kit/postgres.ts';
import { callsThrough, terms, tool } from './calls.ts';
import { guarded } from './guarded.ts';
import { addAgent, digestOf, type Ledger, makeLedger, newId, newName, putAgents, startTask } from './ledger.ts';

let ledger: Ledger;
let gatewayId: string;
beforeAll(async () => {
  ledger = await makeLedger(createDatabase);
  gatewayId = newId('gw');
  await registerGateway(ledger.as('estop_gateway'), gatewayId, 'x');
});
const { call, approve } = callsThrough(() => gatewayId);

const request = (l: Ledger, task: TaskRecord, changes: Partial<ApprovalRequest> = {}): Promise<RequestedApproval> =>
  requestApproval(l.as('estop_gateway'), {
    approvalId: newId('appr'),
    taskId: task.taskId,
    tokenEpoch: task.epoch,
    toolKey: tool,
    digest: digestOf('the call'),
    shown: 'the call',
    ttlMs: 60_000,
    ...terms,
    ...changes,
  });
const idOf = (asked: RequestedApproval): string => (asked.kind === 'open' ? asked.approvalId : '');
const decide = (l: Ledger, approvalId: string, actor: string, decision: 'approved' | 'denied' = 'approved') =>
  decideApproval(l.as('estop_control'), { approvalId, decision, actor, reason: '' });

guarded(
  () => ledger,
  'where two must approve, the call waits for two different people, neither of whom asked for the task',
  async (l) => {
    const task = await startTask(l, await addAgent(l)); // requested by rita
    const approvalId = idOf(await request(l, task, { approvers: 2 }));
    expect((await decide(l, approvalId, 'rita')).kind).toBe('not-eligible');
    expect(await decide(l, approvalId, 'anna')).toEqual({ kind: 'needs-second', taskId: task.taskId });
    const { items } = await auditTrail(l.as('estop_control'), { subject: approvalId }, 10);
    const change = { before: { approvals: 0 }, after: { approvals: 1 } };
    expect(items).toMatchObject([{ kind: 'approval.first-of-two', actor: 'anna', ...change }]);
    expect(await getApproval(l.as('estop_control'), approvalId)).toMatchObject({ state: 'pending', firstBy: 'anna' });
    expect(await call(l, task, { needsApproval: true, approvers: 2 })).toEqual({ kind: 'needs-approval' });
    expect((await decide(l, approvalId, 'anna')).kind).toBe('same-person');
    expect((await decide(l, approvalId, 'rita')).kind).toBe('not-eligible');
    expect((await decide(l, approvalId, 'bert')).kind).toBe('decided');
    expect(await call(l, task, { needsApproval: true, approvers: 2 })).toEqual({ kind: 'allow', approvalId });
  },
  { what: 'the second person', in: 'estop.decide_approval', find: 'a.approvers = 2', put: 'false' },
  { what: 'that they are two', in: 'estop.decide_approval', find: 'lower(a.first_by) = ANY (names)', put: 'false' },
  { what: 'the requester', in: 'estop.decide_approval', find: 'lower(a.requested_by) = ANY (names)', put: 'false' },
);

guarded(
  () => ledger,
  'whoever answers for the agent, now or when it asked, may deny and not approve, whatever name they come under',
  async (l) => {
    const agent = await addAgent(l, { owner: 'Otto' });
    const task = await startTask(l, agent);
    const ask = async (what: string) => idOf(await request(l, task, { digest: digestOf(what) }));
    const [mine, given, free] = [await ask('mine'), await ask('given'), await ask('free')];
    const as = (approvalId: string, decision: 'approved' | 'denied' = 'approved') =>
      decideApproval(l.as('estop_control'), { approvalId, decision, actor: 'o2', names: ['OTTO'], reason: '' });
    expect((await as(mine)).kind).toBe('not-eligible');
    expect((await as(mine, 'denied')).kind).toBe('decided');
    await putAgents(l, [{ ...agent, owner: 'nell' }]);
    expect((await as(given)).kind).toBe('not-eligible');
    expect((await decide(l, free, 'nell')).kind).toBe('not-eligible');
    await putAgents(l, [{ ...agent, owner: 'otto', ownerApproves: true }]);
    expect((await as(await ask('allowed'))).kind).toBe('decided');
  },
  { what: 'who answered for it then', in: 'estop.decide_approval', find: 'a.barred && names', put: 'false' },
  { what: 'who answers for it now', in: 'estop.decide_approval', find: 'lower(g.owner) = ANY (names)', put: 'false' },
  { what: 'their other names', in: 'estop.decide_approval', find: 'p_names || p_actor', put: 'ARRAY[p_actor]' },
);

guarded(
  () => ledger,
  'a yes that was not used yet is worth nothing once whoever said it is out, or may not say it any more',
  async (l) => {
    const control = l.as('estop_control');
    const [anna, bert] = [newName('anna'), newName('bert')];
    const mandates = [{ role: 'approver' }, { role: 'viewer' }];
    for (const name of [anna, bert])
      await l.sql(
        'INSERT INTO estop.people (person_id, issuer, subject, name, person, mandates) VALUES ($1, $1, $1, $1, upper($1), $2)',
        [name, JSON.stringify(mandates)],
      );
    const task = await startTask(l, await addAgent(l));
    const ask = async (what: string, approvers: 1 | 2 = 1) =>
      idOf(await request(l, task, { digest: digestOf(what), approvers }));
    const stateOf = async (approvalId: string) => (await getApproval(control, approvalId))?.state;
    const [whole, half, others] = [await ask('whole'), await ask('half', 2), await ask('others')];
    for (const [approvalId, actor] of [
      [whole, anna],
      [half, anna],
      [others, bert],
    ] as const)
      await decide(l, approvalId, actor);
    expect(await disablePerson(control, anna, true, 'ada', 'stolen laptop')).toBe('done');
    expect(await call(l, task, { needsApproval: true, digest: digestOf('whole') })).toEqual({ kind: 'needs-approval' });
    expect([await stateOf(whole), await stateOf(half), await stateOf(others)]).toEqual([
      'closed',
      'pending',
      'approved',
    ]);
    // Who has said yes to the half of it stands in the audit; here two others have to.
    expect((await decide(l, half, bert)).kind).toBe('needs-second');
    const told = await l.sql(
      "SELECT subject, actor, before, after FROM estop.audit WHERE kind = 'approval.withdrawn' AND subject = ANY ($1)",
      [[whole, half]],
    );
    expect(told).toHaveLength(2);
    expect(told).toContainEqual({
      subject: half,
      actor: 'ada',
      before: { state: 'pending', by: anna.toUpperCase() },
      after: { state: 'pending' },
    });
    // Another role than that of an approver is no matter; without that one it ends.
    await setMandates(control, bert, bert.toUpperCase(), [{ role: 'approver' }]);
    expect(await stateOf(others)).toBe('approved');
    await setMandates(control, bert, bert.toUpperCase(), [{ role: 'viewer' }]);
    expect(await stateOf(others)).toBe('closed');
    expect((await decide(l, half, 'cleo')).kind).toBe('needs-second');
    // An account that never gave it takes nothing away that another one of the same person gives.
    await setMandates(control, bert, 'cleo', [{ role: 'viewer' }]);
    await setMandates(control, bert, 'cleo', [{ role: 'viewer' }, { role: 'operator' }]);
    expect((await decide(l, half, 'cleo')).kind).toBe('same-person');
  },
  {
    what: 'ending it with whoever is disabled',
    in: 'estop.disable_person',
    find: /PERFORM estop\.withdraw_approvals\([^;]*;/,
    put: '',
  },
  {
    what: 'ending it with the role',
    in: 'estop.set_mandates',
    find: /PERFORM estop\.withdraw_approvals\([^;]*;/,
    put: '',
  },
  { what: 'that the role was lost', in: 'estop.set_mandates', find: 'estop.may_approve(known.mandates) AND', put: '' },
  { what: 'the half', in: 'estop.withdraw_approvals', find: /a\.state = 'pending'/, put: 'false' },
  { what: 'whose it is', in: 'estop.withdraw_approvals', find: /lower\(p_person\) IN/g, put: "'' NOT IN" },
);

it('one denial of two is enough, also by whoever approved it first', async () => {
  const task = await startTask(ledger, await addAgent(ledger));
  const approvalId = idOf(await request(ledger, task, { approvers: 2 }));
  await decide(ledger, approvalId, 'anna');
  expect(await decide(ledger, approvalId, 'anna', 'denied')).toMatchObject({ kind: 'decided', state: 'denied' });
});

guarded(
  () => ledger,
  'of two who approve at the same moment, one is the first and one the second; a person who clicks twice is one',
  async (l) => {
    const task = await startTask(l, await addAgent(l));
    const approvalId = idOf(await request(l, task, { approvers: 2 }));
    const both = await Promise.all([decide(l, approvalId, 'anna'), decide(l, approvalId, 'anna')]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(['needs-second', 'same-person']);
    const crowd = await Promise.all(['bert', 'cleo', 'dora'].map((actor) => decide(l, approvalId, actor)));
    expect(crowd.filter(({ kind }) => kind === 'decided')).toHaveLength(1);
  },
  {
    what: 'the lock on what is decided',
    in: 'estop.decide_approval',
    find: 'WHERE x.approval_id = p_approval_id FOR UPDATE;',
    put: 'WHERE x.approval_id = p_approval_id; PERFORM pg_sleep(0.1);',
  },
);

guarded(
  () => ledger,
  'an approval counts under the policy it was asked under, and only if as many gave it as must today',
  async (l) => {
    const task = await startTask(l, await addAgent(l));
    const approvalId = await approve(l, task);
    expect(await call(l, task, { needsApproval: true, policyVersion: 'other' })).toEqual({ kind: 'needs-approval' });
    expect(await call(l, task, { needsApproval: true, approvers: 2 })).toEqual({ kind: 'needs-approval' });
    // Asked again under today's terms, people decide anew and the old one is over.
    const again = await request(l, task, { policyVersion: 'other', approvers: 2 });
    expect(again).toMatchObject({ kind: 'open', state: 'pending' });
    expect(idOf(again)).not.toBe(approvalId);
    expect((await getApproval(l.as('estop_control'), approvalId))?.state).toBe('closed');
  },
  { what: 'the policy version', in: 'estop.record_call', find: 'AND a.policy_version = p_policy_version', put: '' },
  { what: 'the number of people', in: 'estop.record_call', find: 'AND a.approvers >= p_approvers', put: '' },
  {
    what: 'ending what was asked under other terms',
    in: 'estop.request_approval',
    find: 'OR a.policy_version <> p_policy_version OR a.approvers < p_approvers',
    put: '',
  },
);

guarded(
  () => ledger,
  'what a person denied is not asked again for a while in the same task',
  async (l) => {
    const agent = await addAgent(l);
    const [task, other] = [await startTask(l, agent), await startTask(l, agent)];
    const approvalId = idOf(await request(l, task));
    await decide(l, approvalId, 'anna', 'denied');
    expect(await request(l, task)).toEqual({ kind: 'denied-before' });
    expect((await request(l, task, { digest: digestOf('another') })).kind).toBe('open');
    expect((await request(l, other)).kind).toBe('open');
    await l.sql(`UPDATE estop.approvals SET decided_at = decided_at - interval '61 s' WHERE approval_id = $1`, [
      approvalId,
    ]);
    expect((await request(l, task)).kind).toBe('open');
  },
  { what: 'the denial', in: 'estop.approval_refusal', find: `a.state = 'denied'`, put: 'false' },
  {
    what: 'the while',
    in: 'estop.approval_refusal',
    find: 'AND a.decided_at > clock_timestamp()',
    put: 'AND now() > clock_timestamp()',
  },
);

guarded(
  () => ledger,
  'an agent can have only so many open and open only so many in a minute, over all its tasks at once',
  async (l) => {
    const agent = await addAgent(l);
    const tasks = [await startTask(l, agent), await startTask(l, agent)];
    const some = async (count: number, limits: Partial<ApprovalLimits>) => {
      const asked = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          request(l, tasks[index % 2] as TaskRecord, {
            digest: digestOf(newId('call')),
            limits: { ...terms.limits, ...limits },
          }),
        ),
      );
      return asked.filter(({ kind }) => kind === 'open').length;
    };
    expect(await some(12, { maxOpen: 5 })).toBe(5);
    // What is decided or expired is open no more; what was asked within the minute still counts for the pace.
    await l.sql(`UPDATE estop.approvals SET state = 'denied' WHERE agent_id = $1`, [agent.agentId]);
    expect(await some(12, { maxPerMinute: 8 })).toBe(3);
    await l.sql(`UPDATE estop.approvals SET requested_at = requested_at - interval '61 s' WHERE agent_id = $1`, [
      agent.agentId,
    ]);
    expect(await some(1, { maxPerMinute: 8 })).toBe(1);
    // Another agent is not held up by this one.
    expect((await request(l, await startTask(l, await addAgent(l)))).kind).toBe('open');
    const floods = await l.sql(`SELECT 1 FROM estop.audit WHERE kind = 'approval.flood' AND subject = $1`, [
      agent.agentId,
    ]);
    expect(floods).toHaveLength(1);
  },
  { what: 'the cap on open ones', in: 'estop.approval_refusal', find: 'now_open < p_max_open AND', put: '' },
  { what: 'the cap on the pace', in: 'estop.approval_refusal', find: 'AND of_minute < p_max_per_minute', put: '' },
  {
    what: 'a true count',
    in: 'estop.request_approval',
    find: 'PERFORM 1 FROM estop.agents a WHERE a.agent_id = t.agent_id FOR NO KEY UPDATE;',
    put: '',
  },
  {
    what: 'one line a minute',
    in: 'estop.approval_refusal',
    find: /WHERE NOT EXISTS \(SELECT 1 FROM estop\.audit u[^;]*;/,
    put: ';',
  },
);

it('asking twice for the same call is one approval', async () => {
  const task = await startTask(ledger, await addAgent(ledger));
  const asked = await Promise.all(Array.from({ length: 10 }, () => request(ledger, task)));
  expect(asked.map(({ kind }) => kind)).toEqual(Array(10).fill('open'));
  expect(new Set(asked.map(idOf)).size).toBe(1);
});
