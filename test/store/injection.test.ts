import { beforeAll, expect, it } from 'vitest';
import { oneCall } from '../../src/core/budget.ts';
import { errorCodeOf } from '../../src/core/errors.ts';
import { getAgent, listAgents, registerAgents } from '../../src/store/agents.ts';
import { decideApproval, getApproval, listApprovals, requestApproval } from '../../src/store/approvals.ts';
import { appendAudit, listAudit } from '../../src/store/audit.ts';
import { admit, listCalls, settle } from '../../src/store/calls.ts';
import { currentConfig, recordConfig } from '../../src/store/config-versions.ts';
import { noteStopSeen, recordDrain, reportFence } from '../../src/store/fence.ts';
import { confirmFence, registerGateway, renewLease, retireGateway } from '../../src/store/gateways.ts';
import {
  getForLane,
  getGrant,
  handOver,
  listGrants,
  mintIntend,
  mintIssued,
  mintRecheck,
} from '../../src/store/grants.ts';
import {
  beginPhase,
  concludeObligation,
  endPhase,
  labelNeedsHuman,
  markFinal,
  markRevoked,
  noteAttemptFailed,
  reopenObligation,
} from '../../src/store/lanes.ts';
import { beat, latch } from '../../src/store/latch.ts';
import {
  acceptRisk,
  finalLanes,
  getObligation,
  listObligations,
  openObligations,
} from '../../src/store/obligations.ts';
import { previewStop } from '../../src/store/preview.ts';
import { beginRequest, finishRequest } from '../../src/store/requests.ts';
import { markStage, markSweep, revocationState, stopProgress } from '../../src/store/stop-progress.ts';
import { getStop, listStops, resetStop } from '../../src/store/stops.ts';
import { registerChild, registerRoot } from '../../src/store/task-registration.ts';
import {
  beginTask,
  checkTask,
  closeTasks,
  coveredOpenTasks,
  getLineage,
  getTask,
  listTasks,
  setTaskHeld,
} from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { terms } from './calls.ts';
import { agentSpec, digestOf, type Ledger, makeLedger, newId, order } from './ledger.ts';

const nasty: readonly string[] = [
  "x'; DROP TABLE estop.stops; --",
  "' OR ''='",
  '"; SELECT pg_sleep(10); --',
  "x' OR ExecutionStatus='Running",
  '$1',
  '$$; DROP SCHEMA estop CASCADE; $$',
  "\\'; DROP TABLE estop.tasks; --",
  'back`tick`',
  '{a,b}',
  '{"__proto__":{"admin":true}}',
  'NULL',
  '../../../etc/passwd',
  '%00',
  'a%',
  '_',
  '\u202Egnp.exe',
  'ｆｌｅｅｔ',
  'line\nfeed\u001b[2J',
  '\ud800',
  'nul\u0000byte',
  '',
  'x'.repeat(1_000_000),
];

const failed = { round: 0, wasProved: false, pauseMs: 1_000 };

type Use = (l: Ledger, text: string) => Promise<unknown>;

/** Every function of the store, with the text in every place where a text goes. */
const uses: Readonly<Record<string, Use>> = {
  acceptRisk: (l, t) => acceptRisk(l.as('estop_control'), t, t, t),
  admit: (l, t) =>
    admit(l.as('estop_gateway'), {
      callId: t,
      gatewayId: t,
      taskId: t,
      tokenEpoch: 0,
      keys: [t],
      toolKey: t,
      digest: digestOf(t),
      needsApproval: true,
      worst: oneCall,
      ...terms,
      policyVersion: t,
    }),
  appendAudit: (l, t) => appendAudit(l.as('estop_control'), { kind: t, actor: t, subject: t, detail: { [t]: t } }),
  beat: (l, t) => beat(l.as('estop_stop'), t),
  beginPhase: (l, t) => beginPhase(l.as('estop_revoker'), { obligationId: t, phase: t, round: 0 }),
  beginRequest: (l, t) => beginRequest(l.as('estop_control'), { actor: t, key: t, hash: digestOf(t), staleMs: 1 }),
  beginTask: (l, t) => beginTask(l.as('estop_trusted'), t),
  checkTask: (l, t) => checkTask(l.as('estop_control'), t),
  closeTasks: (l, t) => closeTasks(l.as('estop_trusted'), [t], t),
  concludeObligation: (l, t) =>
    concludeObligation(l.as('estop_revoker'), t, 0, { kind: 'residual', until: '2030-01-01T00:00:00Z', why: t }),
  concludeAtOddTime: (l, t) => concludeObligation(l.as('estop_revoker'), t, 0, { kind: 'residual', until: t, why: t }),
  confirmFence: (l, t) => confirmFence(l.as('estop_gateway'), t, 0, t),
  coveredOpenTasks: (l, t) => coveredOpenTasks(l.as('estop_revoker'), t, 10),
  decideApproval: (l, t) =>
    decideApproval(l.as('estop_control'), { approvalId: t, decision: 'approved', actor: t, reason: t }),
  endPhase: (l, t) => endPhase(l.as('estop_revoker'), { obligationId: t, phase: t, round: 0 }, { t }),
  finalLanes: (l, t) => finalLanes(l.as('estop_revoker'), t, 10),
  finishRequest: (l, t) => finishRequest(l.as('estop_control'), { actor: t, key: t, status: 200, response: { t } }),
  getAgent: (l, t) => getAgent(l.as('estop_control'), t),
  getApproval: (l, t) => getApproval(l.as('estop_control'), t),
  getForLane: (l, t) => getForLane(l.as('estop_revoker'), t),
  getGrant: (l, t) => getGrant(l.as('estop_control'), t),
  getLineage: (l, t) => getLineage(l.as('estop_control'), t),
  getObligation: (l, t) => getObligation(l.as('estop_control'), t),
  getStop: (l, t) => getStop(l.as('estop_control'), t),
  getTask: (l, t) => getTask(l.as('estop_control'), t),
  handOver: (l, t) => handOver(l.as('estop_gateway'), t, t, 0),
  latch: (l, t) => latch(l.as('estop_stop'), order(t, { stopId: t, reason: t, actor: t })),
  latchWithOddWords: (l, t) =>
    latch(l.as('estop_stop'), order('agent:odd', { reason: t, actor: t, method: t as 'api' })), // what a hand-made call could send
  listApprovals: (l, t) => listApprovals(l.as('estop_control'), { taskId: t }),
  listAudit: (l, t) => listAudit(l.as('estop_control'), { subject: t }),
  listCalls: (l, t) => listCalls(l.as('estop_control'), { taskId: t, agentId: t }),
  listGrants: (l, t) => listGrants(l.as('estop_control'), { taskId: t, agentId: t }),
  listObligations: (l, t) => listObligations(l.as('estop_control'), { causeId: t, agentId: t }),
  listStops: (l, t) => listStops(l.as('estop_control'), { scopeKey: t }),
  listTasks: (l, t) => listTasks(l.as('estop_control'), { agentId: t, rootId: t, parentId: t }),
  listWithOddCursor: (l, t) =>
    listTasks(l.as('estop_control'), { cursor: Buffer.from(JSON.stringify([t, t])).toString('base64url') }),
  markFinal: (l, t) =>
    markFinal(l.as('estop_revoker'), [{ obligationId: t, round: 0, begunAt: '2030-01-01T00:00:00Z' }]),
  markRevoked: (l, t) => markRevoked(l.as('estop_revoker'), t, 0),
  markStage: (l, t) => markStage(l.as('estop_revoker'), t, 'proved'),
  markStageByOddName: (l, t) => markStage(l.as('estop_revoker'), 'x', t as 'proved'), // what a hand-made call could send
  markSweep: (l, t) => markSweep(l.as('estop_revoker'), t, 0),
  mintIntend: (l, t) =>
    mintIntend(l.as('estop_trusted'), {
      grantId: t,
      name: t,
      taskId: t,
      connector: t,
      target: t,
      shared: true,
      handle: { [t]: t },
      epoch: 0,
      lifeMs: 1_000,
    }),
  mintIssued: (l, t) => mintIssued(l.as('estop_trusted'), t, new TextEncoder().encode(t)),
  mintRecheck: (l, t) => mintRecheck(l.as('estop_trusted'), t),
  noteAttemptFailed: (l, t) =>
    noteAttemptFailed(l.as('estop_revoker'), { ...failed, obligationId: t, error: t, needsHuman: t }),
  labelNeedsHuman: (l, t) => labelNeedsHuman(l.as('estop_revoker'), [t], t, 1_000),
  noteStopSeen: (l, t) => noteStopSeen(l.as('estop_revoker'), t),
  openObligations: (l, t) => openObligations(l.as('estop_revoker'), t),
  previewStop: (l, t) => previewStop(l.as('estop_control'), t),
  recordConfig: (l, t) => recordConfig(l.as('estop_control'), t, t, { [t]: t }),
  recordDrain: (l, t) => recordDrain(l.as('estop_revoker'), t),
  registerAgents: (l, t) => registerAgents(l.as('estop_control'), [agentSpec(t, { owner: t, stopHolder: t })]),
  registerAgentsWithLabel: (l, t) =>
    registerAgents(l.as('estop_control'), [agentSpec('labelled', { labels: { [t]: t } })]),
  registerChild: (l, t) =>
    registerChild(l.as('estop_trusted'), {
      taskId: t,
      parentTaskId: t,
      parentAgent: agentSpec(t),
      agent: agentSpec(t),
      purpose: t,
    }),
  registerGateway: (l, t) => registerGateway(l.as('estop_gateway'), t, t),
  registerRoot: (l, t) =>
    registerRoot(l.as('estop_control'), { taskId: t, agent: agentSpec(t), purpose: t, requestedBy: t }),
  registerRootForReal: async (l, t) => {
    await registerAgents(l.as('estop_control'), [agentSpec('ordinary')]);
    return registerRoot(l.as('estop_control'), {
      taskId: `${newId('task')}${t}`,
      agent: agentSpec('ordinary'),
      purpose: t,
      requestedBy: t,
    });
  },
  renewLease: (l, t) =>
    renewLease(l.as('estop_gateway'), { gatewayId: t, leaseMs: 3_000, retainMs: 1_000, afterGap: true }),
  reopenObligation: (l, t) => reopenObligation(l.as('estop_revoker'), t, 0, t),
  reportFence: (l, t) => reportFence(l.as('estop_revoker'), t, 3_000),
  requestApproval: (l, t) =>
    requestApproval(l.as('estop_gateway'), {
      approvalId: t,
      taskId: t,
      tokenEpoch: 0,
      toolKey: t,
      digest: digestOf(t),
      shown: t,
      ttlMs: 1_000,
      ...terms,
      policyVersion: t,
    }),
  resetStop: (l, t) => resetStop(l.as('estop_control'), { stopId: t, actor: t, reason: t }),
  retireGateway: (l, t) => retireGateway(l.as('estop_gateway'), t),
  revocationState: (l, t) => revocationState(l.as('estop_revoker'), t),
  setTaskHeld: (l, t) => setTaskHeld(l.as('estop_control'), t, true, t),
  settle: (l, t) => settle(l.as('estop_gateway'), t, t as 'failed'), // what a hand-made call could send
  stopProgress: (l, t) => stopProgress(l.as('estop_control'), t),
};

onEveryPostgres('hostile text', (createOn) => {
  let ledger: Ledger;
  let shape: unknown;
  const tables = (l: Ledger): Promise<unknown> =>
    l.sql(
      `SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'estop' ORDER BY 1`,
    );
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    await registerAgents(ledger.as('estop_control'), [agentSpec('ordinary')]);
    await beat(ledger.as('estop_stop'), 'test');
    shape = await tables(ledger);
  });

  it.each(Object.keys(uses))('in every text of %s is only a text', async (name) => {
    const use = uses[name];
    for (const text of nasty) {
      const outcome = await use?.(ledger, text).then(
        () => 'taken',
        (thrown: unknown) => errorCodeOf(thrown),
      );
      // Taken as what it is, or refused as what it is; never an error of our own making, and never a wait.
      expect(
        ['taken', 'invalid-input', 'conflict', 'config-invalid'],
        `${name} of ${JSON.stringify(text.slice(0, 40))}`,
      ).toContain(outcome);
    }
    expect(await tables(ledger)).toEqual(shape);
  });

  it('comes back as it went in', async () => {
    const control = ledger.as('estop_control');
    for (const text of nasty.filter((one) => !one.includes('\u0000') && !one.includes('\ud800') && one.length < 200)) {
      await appendAudit(control, { kind: 'hostile', actor: text, subject: `subject ${text}`, detail: { text } });
      const [entry] = (await listAudit(control, { subject: `subject ${text}` })).items;
      expect(entry).toMatchObject({ actor: text, detail: { text } });
      await recordConfig(control, text, `digest ${text}`, { text });
      expect(await currentConfig(control)).toMatchObject({ actor: text, document: { text } });
    }
  });

  it('never widens what a stop, a list or a key covers', async () => {
    const control = ledger.as('estop_control');
    await ledger.sql(`UPDATE estop.tasks SET state = 'closed'`);
    await registerAgents(control, [agentSpec('ordinary')]);
    const made = await registerRoot(control, {
      taskId: newId('task'),
      agent: agentSpec('ordinary'),
      purpose: '',
      requestedBy: 'r',
    });
    if (made.kind !== 'registered') throw new Error(JSON.stringify(made));
    for (const scope of [
      "agent:ordinary'or'1'='1",
      'agent:%',
      'agent:_',
      'agent:ORDINARY',
      'agent:оrdinary',
      'agent:ordinary\u200b',
      'agent:ordinary/',
      'agent:',
    ]) {
      await latch(ledger.as('estop_stop'), order(scope)).catch(() => undefined);
      expect((await checkTask(control, made.task.taskId))?.stopId, scope).toBeUndefined();
    }
    for (const agentId of ['%', '_', "ordinary' OR 'x", 'ORDINARY'])
      expect((await listTasks(control, { agentId })).items).toEqual([]);
    expect((await listAgents(control)).length).toBeGreaterThan(0);
  });

  it('never turns up in what an error says in public', async () => {
    const control = ledger.as('estop_control');
    const secret = 'canary-5e1f';
    await registerGateway(ledger.as('estop_gateway'), secret, 'x');
    for (const thrown of [
      await registerGateway(ledger.as('estop_gateway'), secret, secret).catch((error: unknown) => error),
      await control.query('SELECT 1').then(() => getTask(control, `${secret}\u0000`).catch((error: unknown) => error)),
    ]) {
      expect(thrown).toBeInstanceOf(Error);
      const { message, detail } = thrown as Error & { detail?: string }; // just checked
      expect(`${message} ${detail ?? ''}`).not.toContain(secret);
    }
  });
});
