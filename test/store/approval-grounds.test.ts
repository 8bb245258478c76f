import { beforeAll, expect, it } from 'vitest';
import { revokeApiToken } from '../../src/store/api-tokens.ts';
import { type ApprovalGround, decideApproval, getApproval, requestApproval } from '../../src/store/approvals.ts';
import { sayApprovers } from '../../src/store/approver-lists.ts';
import { askElevation, endElevation } from '../../src/store/elevations.ts';
import { registerGateway } from '../../src/store/gateways.ts';
import { disablePerson, setMandates } from '../../src/store/people.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { createDatabase } from '../kit/postgres.ts';
import { guardOf, onlyList, person, token, ways } from './approval-ground-ways.ts';
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
const { call } = callsThrough(() => gatewayId);

const ask = async (l: Ledger, task: TaskRecord, what: string, approvers: 1 | 2 = 1): Promise<string> => {
  const asked = await requestApproval(l.as('estop_gateway'), {
    approvalId: newId('appr'),
    taskId: task.taskId,
    tokenEpoch: task.epoch,
    toolKey: tool,
    digest: digestOf(what),
    shown: what,
    ttlMs: 60_000,
    ...terms,
    approvers,
  });
  if (asked.kind !== 'open') throw new Error(asked.kind);
  return asked.approvalId;
};
const yes = (l: Ledger, approvalId: string, actor: string, ground: ApprovalGround) =>
  decideApproval(l.as('estop_control'), { approvalId, decision: 'approved', actor, reason: '', ground });
const redeem = async (l: Ledger, task: TaskRecord, what: string, approvers: 1 | 2 = 1) =>
  (await call(l, task, { needsApproval: true, digest: digestOf(what), approvers })).kind;

const inAdmit = {
  what: 'the look at whoever decided',
  in: 'estop.is_still_approved',
  find: 'AND estop.still_approves(a.decided_ground, a.agent_id)',
  put: '',
} as const;
ways.forEach(({ what, begin, labels = {} }, index) => {
  const { what: guard = '', find = '', put = '', in: place = 'estop.still_approves' } = guardOf[index] ?? {};
  guarded(
    () => ledger,
    `a yes that was not used yet is worth nothing once it rests on ${what}, and the call is asked for anew`,
    async (l) => {
      const task = await startTask(l, await addAgent(l, { labels }));
      const { ground, lose } = await begin(l);
      const used = newName('used');
      expect((await yes(l, await ask(l, task, used), 'anna', ground)).kind).toBe('decided');
      expect(await redeem(l, task, used)).toBe('allow');
      const left = newName('left');
      const approvalId = await ask(l, task, left);
      await yes(l, approvalId, 'anna', ground);
      await lose();
      expect(await redeem(l, task, left)).toBe('needs-approval');
      expect(await ask(l, task, left)).not.toBe(approvalId);
      expect((await getApproval(l.as('estop_control'), approvalId))?.state).toBe('closed');
    },
    inAdmit,
    { what: guard, in: place, find, put },
  );
});

guarded(
  () => ledger,
  'of two who approved, the one who lost it takes the whole with them, also while the other still may',
  async (l) => {
    const task = await startTask(l, await addAgent(l));
    const [first, second, third] = [await person(l), await person(l), await person(l)];
    const [whole, half] = [newName('whole'), newName('half')];
    const [wholeId, halfId] = [await ask(l, task, whole, 2), await ask(l, task, half, 2)];
    expect((await yes(l, wholeId, first, { person: first })).kind).toBe('needs-second');
    expect((await yes(l, wholeId, second, { person: second })).kind).toBe('decided');
    expect((await yes(l, halfId, first, { person: first })).kind).toBe('needs-second');
    await l.sql(`UPDATE estop.people SET mandates = '[]' WHERE person_id = $1`, [first]);
    expect(await redeem(l, task, whole, 2)).toBe('needs-approval');
    expect((await yes(l, halfId, second, { person: second })).kind).toBe('needs-second');
    expect((await yes(l, halfId, third, { person: third })).kind).toBe('decided');
    expect(await redeem(l, task, half, 2)).toBe('allow');
    const told = await l.sql(
      `SELECT before, after FROM estop.audit WHERE kind = 'approval.withdrawn' AND subject = $1`,
      [halfId],
    );
    expect(told).toEqual([{ before: { state: 'pending', by: first }, after: { state: 'pending' } }]);
  },
  {
    what: 'the first of two in ADMIT',
    in: 'estop.is_still_approved',
    find: 'estop.still_approves(a.first_ground, a.agent_id)',
    put: 'true',
  },
  {
    what: 'the first of two at the second',
    in: 'estop.decide_approval',
    find: 'NOT estop.still_approves(a.first_ground, a.agent_id)',
    put: 'false',
  },
);

guarded(
  () => ledger,
  'whoever looks at what waits sees at once what counts no longer, with the audit saying whose it was',
  async (l) => {
    const control = l.as('estop_control');
    const agent = await addAgent(l, { labels: { team: 'red' } });
    const task = await startTask(l, agent);
    const controlId = newName('control');
    const listed = newName('token');
    await onlyList(l, controlId, [listed]);
    const [bounded, owner, elevated] = [
      await person(l, [{ role: 'approver', labels: { team: 'red' } }]),
      await person(l),
      await person(l, []),
    ];
    const apiToken = await token(l);
    const elevationId = newId('elev');
    await askElevation(control, {
      elevationId,
      personId: elevated,
      role: 'admin',
      reason: 'x',
      lifeMs: 60_000,
      rule: 'review',
    });
    const given = async (actor: string, ground: ApprovalGround): Promise<string> => {
      const approvalId = await ask(l, task, newName('call'));
      await yes(l, approvalId, actor, ground);
      return approvalId;
    };
    const rests: readonly (readonly [string, ApprovalGround, () => Promise<unknown>])[] = [
      ['anna', { listed }, () => sayApprovers(control, controlId, [])],
      [
        bounded,
        { person: bounded },
        () => setMandates(control, bounded, bounded, [{ role: 'approver', labels: { team: 'blue' } }]),
      ],
      ['a service', { apiToken }, () => revokeApiToken(control, apiToken, { actor: 'ada' })],
      [
        elevated,
        { person: elevated, elevation: elevationId },
        () => endElevation(control, elevationId, { actor: 'ada' }),
      ],
      [owner, { person: owner }, () => disablePerson(control, owner, true, 'ada', 'x')],
    ];
    const others = await given('bert', {});
    for (const [actor, ground, lose] of rests) {
      const approvalId = await given(actor, ground);
      await lose();
      expect((await getApproval(control, approvalId))?.state).toBe('closed');
      const said = await l.sql(`SELECT before FROM estop.audit WHERE kind = 'approval.withdrawn' AND subject = $1`, [
        approvalId,
      ]);
      expect(said).toEqual([{ before: { state: 'approved', by: actor } }]);
    }
    expect((await getApproval(control, others))?.state).toBe('approved');
  },
  ...(
    [
      ['estop.say_approvers', 'a list that grew shorter'],
      ['estop.set_mandates', 'a role over fewer labels'],
      ['estop.revoke_api_token', 'a token that is revoked'],
      ['estop.end_elevation', 'an elevation that is ended'],
    ] as const
  ).map(([place, what]) => ({
    what,
    in: place,
    find: /PERFORM estop\.withdraw_lost_approvals\([^;]*;/,
    put: 'PERFORM 1;',
  })),
);

guarded(
  () => ledger,
  'an agent that carries other labels now is beyond a role over its old ones, and what was approved for it is asked for anew',
  async (l) => {
    const agent = await addAgent(l, { labels: { team: 'red' } });
    const who = await person(l, [{ role: 'approver', labels: { team: 'red' } }]);
    const task = await startTask(l, agent);
    await yes(l, await ask(l, task, 'relabelled'), who, { person: who });
    await putAgents(l, [{ ...agent, labels: { team: 'blue' } }]);
    expect(await redeem(l, task, 'relabelled')).toBe('needs-approval');
  },
  { what: 'a label that is no more', in: 'estop.may_approve_of', find: 'AND l.tombstoned_at IS NULL', put: '' },
);

it('where two processes of control say different things, whoever stands in one list alone may not; one that ended is not asked', async () => {
  const control = ledger.as('estop_control');
  await ledger.sql('DELETE FROM estop.approver_lists');
  const task = await startTask(ledger, await addAgent(ledger));
  await sayApprovers(control, 'one', ['anna', 'bert']);
  await sayApprovers(control, 'other', ['bert']);
  const [one, other] = [await ask(ledger, task, 'a'), await ask(ledger, task, 'b')];
  await yes(ledger, one, 'anna', { listed: 'anna' });
  await yes(ledger, other, 'bert', { listed: 'bert' });
  expect([await redeem(ledger, task, 'a'), await redeem(ledger, task, 'b')]).toEqual(['needs-approval', 'allow']);
  await sayApprovers(control, 'other', undefined);
  expect(await redeem(ledger, task, 'a')).toBe('allow');
});

guarded(
  () => ledger,
  'a list that was said before the clock went back is gone when the clock gets there again',
  async (l) => {
    const control = l.as('estop_control');
    const listed = newName('token');
    const task = await startTask(l, await addAgent(l));
    await onlyList(l, newName('control'), [listed]);
    await yes(l, await ask(l, task, 'later'), 'anna', { listed });
    await l.sql(`UPDATE estop.approver_lists SET said_at = said_at + interval '1 h'`);
    const since = newName('control');
    await sayApprovers(control, since, [listed]);
    // The hour is over, and so is whoever spoke since.
    await sayApprovers(control, since, undefined);
    await l.sql(`UPDATE estop.approver_lists SET said_at = said_at - interval '1 h'`);
    expect(await redeem(l, task, 'later')).toBe('needs-approval');
  },
  {
    what: 'dropping it',
    in: 'estop.say_approvers',
    find: "interval '1 minute' AND clock_timestamp()",
    put: "interval '1 minute' AND 'infinity'",
  },
);
