import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import {
  namespaces,
  revocationWorkflowId,
  stopFanoutWorkflowId,
  stopIntakeWorkflowId,
} from '../../src/contract/names.ts';
import { latch } from '../../src/store/latch.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { type StopProgress, stopProgress } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { type Program, runProgram } from '../kit/program.ts';
import { requires } from '../kit/requires.ts';
import { keepBeating, newId, order, stop, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

const program = join(import.meta.dirname, 'programs', 'control-worker.ts');

requires('temporal')('the relay', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });

  const startProcess = async (): Promise<Program> => {
    const started = runProgram(program, [
      rig.ledger.urls.estop_revoker,
      rig.temporal.address,
      rig.folder,
      rig.target.url,
    ]);
    await started.next();
    return started;
  };
  const progress = (stopId: string): Promise<StopProgress | undefined> =>
    stopProgress(rig.ledger.as('estop_control'), stopId);
  const proved = (stopId: string) => until(async () => (await progress(stopId))?.stage === 'proved');
  const holds = async (sql: string, values: readonly unknown[]): Promise<boolean> =>
    (await rig.ledger.sql(sql, values)).length > 0;
  const isOpen = async (workflowId: string): Promise<boolean> =>
    rig.control.workflow
      .getHandle(workflowId)
      .describe()
      .then(
        ({ status }) => status.name === 'RUNNING',
        () => false,
      );

  const isKnown = async (workflowId: string): Promise<boolean> =>
    rig.control.workflow
      .getHandle(workflowId)
      .describe()
      .then(
        () => true,
        () => false,
      );

  /** The writes that the control worker makes on the way, in their order; it is killed as soon as each is seen. */
  const writePoints: readonly (readonly [
    string,
    (stopId: string, agentId: string, epoch: number) => Promise<boolean>,
  ])[] = [
    ['the latch, before anybody has seen it', async () => true],
    ['its first sight', (stopId) => holds('SELECT 1 FROM estop.stop_progress WHERE stop_id = $1', [stopId])],
    [
      'its fence',
      (stopId) => holds('SELECT 1 FROM estop.stop_progress WHERE stop_id = $1 AND fenced_at IS NOT NULL', [stopId]),
    ],
    ['its obligations', (stopId) => holds('SELECT 1 FROM estop.obligations WHERE cause_id = $1', [stopId])],
    ['the start of its fan-out', (stopId) => isKnown(stopFanoutWorkflowId(stopId))],
    ['the start of its revocation', (stopId, agentId, epoch) => isKnown(revocationWorkflowId(agentId, epoch, stopId))],
    [
      'the close of its task',
      (stopId) =>
        holds(
          "SELECT 1 FROM estop.tasks t, estop.stops s WHERE s.stop_id = $1 AND t.keys @> ARRAY[s.scope_key] AND t.state = 'closed'",
          [stopId],
        ),
    ],
    [
      'a phase of its lane',
      (stopId) =>
        holds('SELECT 1 FROM estop.obligation_phases WHERE starts_with(obligation_id, $1) AND done_at IS NOT NULL', [
          stopId,
        ]),
    ],
    [
      'the proof of its lane',
      (stopId) => holds("SELECT 1 FROM estop.obligations WHERE cause_id = $1 AND state = 'proved'", [stopId]),
    ],
    [
      'its first sweep',
      (stopId) => holds('SELECT 1 FROM estop.stop_progress WHERE stop_id = $1 AND sweeps_done > 0', [stopId]),
    ],
  ];

  it(`killed right after each of ${writePoints.length} writes of one stop leaves nothing undone`, async () => {
    const agent = await rig.agent();
    const grant = await rig.grant(await rig.task(agent));
    const { stopId, epoch } = await stopAgent(rig.ledger, agent);
    for (const [, isWritten] of writePoints) {
      const worker = await startProcess();
      await until(() => isWritten(stopId, agent.agentId, epoch));
      await worker.kill('SIGKILL');
    }
    const last = await startProcess();
    await proved(stopId);
    await last.kill('SIGKILL');
    // At most the one attempt of a phase that was under way when it was killed is made again; nothing that the ledger has as done.
    for (const phase of ['fence', 'revoke-credential'])
      expect(rig.target.count(`cut ${phase}`, grant)).toBeLessThanOrEqual(2);
  }, 240_000);

  it('starts a revocation again that was terminated, and one that was deleted; what was done is not done again', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const [quick, slow] = [await rig.grant(task), await rig.grant(task)];
    rig.target.behave(slow, { cut: 'hung', at: 'revoke-credential' });
    const worker = rig.work();
    const { stopId, epoch } = await stopAgent(rig.ledger, agent);
    const workflowId = revocationWorkflowId(agent.agentId, epoch, stopId);
    const isProved = async (grantId: string) =>
      (await getObligation(rig.ledger.as('estop_control'), `${stopId}/${grantId}`))?.state === 'proved';
    await until(() => isProved(quick));
    await until(async () => rig.target.count('cut revoke-credential', slow) > 0);

    await rig.control.workflow.getHandle(workflowId).terminate('by hand');
    await until(() => isOpen(workflowId));
    await rig.control.workflowService.deleteWorkflowExecution({
      namespace: namespaces.control,
      workflowExecution: { workflowId },
    });
    await rig.control.workflow.getHandle(stopFanoutWorkflowId(stopId)).terminate('by hand');
    await until(() => isOpen(stopFanoutWorkflowId(stopId)));
    await until(() => isOpen(workflowId));

    rig.target.behave(slow, { cut: 'healthy' });
    await proved(stopId);
    for (const key of [quick, slow]) expect(rig.target.count('cut fence', key)).toBe(1);
    expect(rig.target.count('cut revoke-credential', quick)).toBe(1);
    await worker.close();
  }, 60_000);

  it('carries out a stop that was latched while Temporal was away, and fences it meanwhile', async () => {
    const agent = await rig.agent();
    const grant = await rig.grant(await rig.task(agent));
    process.kill(rig.temporal.pid, 'SIGSTOP');
    const worker = rig.work();
    let stopId: string;
    try {
      ({ stopId } = await stopAgent(rig.ledger, agent));
      await until(async () => (await progress(stopId))?.fencedAt !== undefined);
      await until(() => holds('SELECT 1 FROM estop.obligations WHERE cause_id = $1', [stopId]));
      expect(rig.target.count('cut fence', grant)).toBe(0);
    } finally {
      process.kill(rig.temporal.pid, 'SIGCONT');
    }
    await proved(stopId);
    await worker.close();
  }, 60_000);

  it('takes two stops and a reset of one at once: both are proved, and the agent stays stopped', async () => {
    const agent = await rig.agent();
    const grant = await rig.grant(await rig.task(agent));
    const worker = rig.work();
    const store = rig.ledger.as('estop_control');
    const first = await stopAgent(rig.ledger, agent);
    await until(async () => (await progress(first.stopId))?.fencedAt !== undefined);
    const [second, third, outcome] = await Promise.all([
      stopAgent(rig.ledger, agent),
      stop(rig.ledger, `task:${newId('task')}`),
      resetStop(store, { stopId: first.stopId, actor: 'olga', reason: 'a test' }),
    ]);
    expect(outcome.kind).toBe('reset');
    for (const { stopId } of [first, second, third]) await proved(stopId);
    expect((await progress(third.stopId))?.evidence).toBe('nothing-to-revoke');
    expect(
      await holds('SELECT 1 WHERE estop.dead_by($1, $2, (SELECT max(reset_epoch) FROM estop.stops)) = $3', [
        [`agent:${agent.agentId}`],
        [],
        second.stopId,
      ]),
    ).toBe(true);
    expect(rig.target.count('use now', grant)).toBeGreaterThanOrEqual(2);
    await worker.close();
  }, 60_000);

  it('takes orders from an intake full of junk', async () => {
    const worker = rig.work();
    const workflowId = stopIntakeWorkflowId('test');
    const signalWithStart = (raw: readonly unknown[]) =>
      rig.control.workflow.signalWithStart('stopIntake', {
        workflowId,
        taskQueue: 'control',
        args: [],
        signal: 'order',
        signalArgs: [...raw],
      });
    const junk: readonly (readonly unknown[])[] = [
      [],
      [null],
      [1, 2, 3],
      ['{"'],
      [{ stopId: 'x', scopeKey: 'fleet' }],
      [{ stopId: newId('stop'), scopeKey: 'agent:A;DROP' }],
      [[[[]]]],
    ];
    for (let round = 0; round < 20; round += 1) await Promise.all(junk.map(signalWithStart));
    // Bytes that no converter can read.
    await rig.control.workflowService.signalWorkflowExecution({
      namespace: namespaces.control,
      workflowExecution: { workflowId },
      signalName: 'order',
      input: {
        payloads: [
          { metadata: { encoding: new TextEncoder().encode('json/plain') }, data: new Uint8Array([0xff, 0x7b]) },
        ],
      },
    });
    const one = order('agent:from-the-intake');
    await signalWithStart([one]);
    await until(() => holds('SELECT 1 FROM estop.stops WHERE stop_id = $1', [one.stopId]));
    // As Temporal's own CLI sends it: not sealed, and only what makes a stop.
    const bare = { stopId: newId('stop'), scopeKey: 'agent:by-hand' };
    await rig.control.workflowService.signalWorkflowExecution({
      namespace: namespaces.control,
      workflowExecution: { workflowId },
      signalName: 'order',
      input: {
        payloads: [
          {
            metadata: { encoding: new TextEncoder().encode('json/plain') },
            data: new TextEncoder().encode(JSON.stringify(bare)),
          },
        ],
      },
    });
    await until(() =>
      holds("SELECT 1 FROM estop.stops WHERE stop_id = $1 AND category = 0 AND actor = 'unnamed'", [bare.stopId]),
    );
    // By the intake itself: the drain would have latched them too.
    const handle = rig.control.workflow.getHandle(workflowId);
    const events = await until(async () => {
      const seen = (await handle.fetchHistory()).events ?? [];
      return (
        seen.some(
          (event) =>
            event.activityTaskCompletedEventAttributes != null || event.workflowTaskFailedEventAttributes != null,
        ) && seen
      );
    });
    expect(events.filter((event) => event.workflowTaskFailedEventAttributes != null)).toEqual([]);
    await worker.close();
  }, 60_000);

  it('lets the leases of gateways end when nobody exercises the latch any more', async () => {
    await rig.ledger.sql('DELETE FROM estop.latch_marks');
    const gatewayId = newId('gw');
    await rig.ledger.sql("SELECT estop.register_gateway($1, 'x')", [gatewayId]);
    const renew = async () =>
      (
        await rig.ledger.sql('SELECT granted, refusal FROM estop.renew_lease($1, 3000, 60000, false, NULL)', [
          gatewayId,
        ])
      )[0];
    expect(await renew()).toEqual({ granted: false, refusal: 'no-beat' });
    await keepBeating(rig.ledger);
    expect(await renew()).toMatchObject({ granted: true });
    expect((await latch(rig.ledger.as('estop_stop'), order('agent:beaten'))).kind).toBe('latched');
    await until(async () => (await renew())?.['refusal'] === 'no-beat');
  });
});
