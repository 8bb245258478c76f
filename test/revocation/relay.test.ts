import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import {
  namespaces,
  revocationWorkflowId,
  stopFanoutWorkflowId,
  stopIntakeWorkflowId,
} from '../../src/contract/names.ts';
import { startTemporal } from '../../src/runtime/local/temporal-server.ts';
import { latch } from '../../src/store/latch.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { type StopProgress, stopProgress } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { pausedWrites } from '../kit/paused-writes.ts';
import { type Program, runProgram } from '../kit/program.ts';
import { requires } from '../kit/requires.ts';
import { keepBeating, newId, order, startTask, stop, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';
import { agentOfWrite, allStopWrites, type StopWrite, stopWrites } from './stop-writes.ts';

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

  /**
   * Each of them of a stop of its own. Those of the relay's one round of the ledger stand still one at a time, after what the others do
   * side by side; what is lost is what the target has done already.
   */
  const deaths: readonly (readonly (readonly [StopWrite, 'landed' | 'lost'])[])[] = [
    [
      ['the close of its task', 'landed'],
      ['its halt', 'landed'],
      ['the beginning of a phase', 'landed'],
      ['the end of a phase', 'lost'],
      ['its first sight', 'landed'],
    ],
    [
      ['the end of a phase', 'landed'],
      ['the cut of its lane', 'landed'],
      ['the proof of its lane', 'landed'],
      ['its first sweep', 'landed'],
      ['its fence', 'landed'],
    ],
    [
      ['that all is revoked', 'landed'],
      ['the last proof of its lane', 'landed'],
      ['its proof', 'landed'],
      ['the wipe of its grant', 'landed'],
      ['its obligation', 'landed'],
    ],
  ];

  it(`killed at each of ${allStopWrites.length} writes of a stop leaves nothing undone, and does nothing again that it has written down`, async () => {
    expect(new Set(deaths.flatMap((writes) => writes.map(([write]) => write)))).toEqual(new Set(allStopWrites));
    const paused = await pausedWrites(rig.ledger, stopWrites, agentOfWrite);
    const stops: { readonly stopId: string; readonly grant: string; readonly cuts: number }[] = [];
    const expected: string[] = [];
    for (const writes of deaths) {
      const worker = await startProcess();
      const agents: (readonly [string, 'landed' | 'lost'])[] = [];
      for (const [index, [write, outcome]] of writes.entries()) {
        const agent = await rig.agent();
        const grant = await rig.grant(await rig.task(agent));
        await paused.pause(agent.agentId, write);
        if (index === writes.length - 1) await until(async () => (await paused.standing()) === index);
        const { stopId } = await stopAgent(rig.ledger, agent);
        stops.push({ stopId, grant, cuts: outcome === 'lost' ? 2 : 1 });
        agents.push([agent.agentId, outcome]);
        if (outcome === 'landed') expected.push(`${agent.agentId} ${write}`);
      }
      await until(async () => (await paused.standing()) === writes.length);
      await worker.kill('SIGKILL');
      for (const [agentId, outcome] of agents) await paused.release(agentId, outcome);
    }
    const last = await startProcess();
    for (const { stopId } of stops) await proved(stopId);
    await last.kill('SIGKILL');
    expect(new Set(await paused.landed())).toEqual(new Set(expected));
    for (const { grant, cuts } of stops) expect(rig.target.count('cut fence', grant)).toBe(cuts);
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

  it('carries out what was latched while Temporal hung, and died, and came back without its memory, and fences it meanwhile', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const [quick, slow] = [await rig.grant(task), await rig.grant(task)];
    rig.target.behave(slow, { cut: 'hung', at: 'revoke-credential' });
    const worker = rig.work();
    const before = await stopAgent(rig.ledger, agent);
    await until(async () => rig.target.count('cut revoke-credential', slow) > 0);
    process.kill(rig.temporal.pid, 'SIGSTOP');
    const other = await rig.agent();
    const late = await rig.grant(await startTask(rig.ledger, other));
    const meanwhile = await stopAgent(rig.ledger, other);
    await until(async () => (await progress(meanwhile.stopId))?.fencedAt !== undefined);
    await until(() => holds('SELECT 1 FROM estop.obligations WHERE cause_id = $1', [meanwhile.stopId]));
    expect(rig.target.count('cut fence', late)).toBe(0);
    process.kill(rig.temporal.pid, 'SIGKILL');
    await rig.temporal.exited;
    rig.target.behave(slow, { cut: 'healthy' });
    const again = await startTemporal({ stateFolder: rig.folder, database: 'memory', ui: false });
    expect(again.address).toBe(rig.temporal.address);
    try {
      for (const { stopId } of [before, meanwhile]) await proved(stopId);
      for (const grant of [quick, late]) expect(rig.target.count('cut fence', grant)).toBe(1);
    } finally {
      await worker.close();
      await again.stop();
    }
  }, 120_000);
});
