import { Client } from '@temporalio/client';
import { encodeToPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createStopActivities } from '../../src/activities/stop.ts';
import { createTaskWorkflows } from '../../src/activities/task-workflows.ts';
import type { Log } from '../../src/contract/identity.ts';
import { namespaces, signals, stopIntakeWorkflowId, workflowTypes } from '../../src/contract/names.ts';
import { sweepGapMs } from '../../src/contract/numbers.ts';
import { orderKey } from '../../src/contract/order.ts';
import type { StopOrder } from '../../src/contract/stop.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { createDataConverter } from '../../src/runtime/temporal-connection.ts';
import { resetStop } from '../../src/store/stops.ts';
import { drainRound } from '../../src/workers/relay/drain.ts';
import { requireOwnTemporal } from '../../src/workers/relay/own-temporal.ts';
import { type Relay, startRelay } from '../../src/workers/relay/start-relay.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { fence, type Ledger, makeLedger, newId, order } from '../store/ledger.ts';
import { type LogLine, type Rig, recordingLog, startRig, until } from './rig.ts';

requires('temporal')('the drain of the intake', () => {
  let rig: Rig;
  let relay: Relay | undefined;
  beforeAll(async () => {
    rig = await startRig();
  });
  /** Each test has an installation of its own, on one Temporal: its ledger, its intake, and the queue of that. */
  let tests = 0;
  let environment: string;
  let workflowId: string;
  let taskQueue: string;
  let ledger: Ledger;
  let log: Log;
  let logged: readonly LogLine[];
  beforeEach(async () => {
    tests += 1;
    environment = `test${tests}`;
    workflowId = stopIntakeWorkflowId(environment);
    taskQueue = `intake of ${environment}`;
    ({ log, logged } = recordingLog());
    ledger = await makeLedger(createDatabase);
  });
  afterEach(async () => {
    await relay?.close();
    relay = undefined;
  });

  const accept = (one: StopOrder) =>
    rig.control.workflow.signalWithStart(workflowTypes.stopIntake, {
      workflowId,
      taskQueue,
      args: [],
      signal: signals.order,
      signalArgs: [one],
    });
  /** The relay alone: no worker takes up the intake's tasks. */
  const startTheRelay = (control = rig.control): void => {
    const store = ledger.as('estop_revoker');
    relay = startRelay({
      environment,
      store,
      latchStore: store,
      control,
      agents: rig.agents,
      tasks: createTaskWorkflows(rig.agents, 'test'),
      log,
    });
  };
  const requireOwn = () => requireOwnTemporal(rig.control, environment);
  const wantDrain = () =>
    ledger.sql("INSERT INTO estop.gateways (gateway_id, address, drain_wanted_at) VALUES ($1, '', clock_timestamp())", [
      newId('gw'),
    ]);
  const drained = () =>
    until(
      async () =>
        (await ledger.sql('SELECT 1 FROM estop.intake_drains d, estop.gateways g WHERE d.begun_at > g.drain_wanted_at'))
          .length > 0,
    );
  const isLatched = async ({ stopId }: StopOrder): Promise<boolean> =>
    (await ledger.sql('SELECT 1 FROM estop.stops WHERE stop_id = $1', [stopId])).length === 1;

  it('is recorded at once where nothing was ever accepted', async () => {
    await wantDrain();
    startTheRelay();
    await drained();
  });

  it('finds the orders of runs that nobody works on, and of runs that were ended by hand', async () => {
    const orders = Array.from({ length: 4 }, (_, index) => order(`agent:drained-${index}`));
    for (const [index, one] of orders.entries()) {
      await accept(one);
      if (index < 3) await rig.control.workflow.getHandle(workflowId).terminate('by hand');
    }
    await wantDrain();
    startTheRelay();
    await drained();
    for (const one of orders) expect(await isLatched(one)).toBe(true);
  });

  it('is not recorded while the server may hold an accepted order that no history shows', async () => {
    const [first, buffered] = [order('agent:first'), order('agent:buffered')];
    await accept(first);
    // A worker that takes the task and dies with it: until the task times out, further signals lie in a buffer.
    await rig.control.withDeadline(Date.now() + 20_000, () =>
      rig.control.workflowService.pollWorkflowTaskQueue({
        namespace: namespaces.control,
        taskQueue: { name: taskQueue },
        identity: 'dead',
      }),
    );
    await accept(buffered);
    const { events } = await rig.control.workflow.getHandle(workflowId).fetchHistory();
    expect(events?.filter((event) => event.workflowExecutionSignaledEventAttributes != null)).toHaveLength(1);
    await wantDrain();
    startTheRelay();
    await drained();
    expect(await isLatched(first)).toBe(true);
    expect(await isLatched(buffered)).toBe(true);
  });

  it('reads what an intake left behind as soon as it goes on as a new run, not only at the next turn', async () => {
    const [left, carried] = [order('agent:left'), order('agent:carried')];
    const latched: string[] = [];
    const latch = async ({ stopId }: StopOrder): Promise<void> => void latched.push(stopId);
    let clock = 0;
    const round = drainRound(
      { environment, store: ledger.as('estop_revoker'), client: rig.control, requireOwn: requireOwn(), log, latch },
      () => clock,
    );
    await round.run();
    expect(await ledger.sql('SELECT 1 FROM estop.intake_drains')).toHaveLength(1);
    for (const one of [left, carried]) await accept(one);
    const service = rig.control.workflowService;
    const { taskToken } = await rig.control.withDeadline(Date.now() + 20_000, () =>
      service.pollWorkflowTaskQueue({
        namespace: namespaces.control,
        taskQueue: { name: taskQueue },
        identity: 'by-hand',
      }),
    );
    const payloads = (await encodeToPayloads(rig.control.options.loadedDataConverter, [carried])) ?? [];
    await service.respondWorkflowTaskCompleted({
      namespace: namespaces.control,
      taskToken,
      commands: [
        {
          commandType: 10, // COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION
          continueAsNewWorkflowExecutionCommandAttributes: {
            workflowType: { name: workflowTypes.stopIntake },
            taskQueue: { name: taskQueue },
            input: { payloads },
          },
        },
      ],
    });
    // Its clock says that the next turn is not due yet, however long this takes.
    await until(async () => {
      clock = Math.min(clock + 1_000, 20_000);
      await round.run();
      return latched.includes(left.stopId) && latched.includes(carried.stopId);
    });
  });

  it('gives a reading up after twenty orders that could not be latched, and begins again: the store is away then', async () => {
    const orders = Array.from({ length: 30 }, (_, index) => order(`agent:away-${index}`));
    await rig.control.workflow.signalWithStart(workflowTypes.stopIntake, {
      workflowId,
      taskQueue,
      args: orders,
      signal: signals.order,
      signalArgs: [order('agent:away')],
    });
    let tries = 0;
    const latch = async (): Promise<void> => {
      tries += 1;
      throw new Error('away');
    };
    const store = ledger.as('estop_revoker');
    const round = drainRound({ environment, store, client: rig.control, requireOwn: requireOwn(), log, latch });
    await expect(round.run()).rejects.toThrow('away');
    expect(tries).toBe(20);
    expect(await ledger.sql('SELECT 1 FROM estop.intake_drains')).toEqual([]);
  });

  it('takes an order whose stop was latched and reset since for done: nobody is stopped a second time', async () => {
    const [over, waiting] = [order('agent:over'), order('agent:waiting')];
    for (const one of [over, waiting]) await accept(one);
    const stops = createStopActivities({ store: ledger.as('estop_revoker'), environment, log });
    await stops.latchOrders([over]);
    await fence(ledger, over.stopId);
    const reset = { stopId: over.stopId, actor: 'olga', reason: 'over' };
    expect((await resetStop(ledger.as('estop_control'), reset)).kind).toBe('reset');
    // The intake tries again what it has not heard the end of, and the drain reads the same history.
    expect(await stops.latchOrders([over])).toEqual([orderKey(over)]);
    await wantDrain();
    startTheRelay();
    await drained();
    expect(await isLatched(waiting)).toBe(true);
    expect(await ledger.sql('SELECT stop_id FROM estop.stops WHERE reset_at IS NULL')).toEqual([
      { stop_id: waiting.stopId },
    ]);
    expect(await ledger.sql('SELECT 1 FROM estop.stops')).toHaveLength(2);
  });

  it('keeps what it has no key for and says so; it is recorded when that order could be read, and is latched', async () => {
    const strangers = tempFolder();
    ensureKeys(strangers, environment);
    const stranger = new Client({
      connection: rig.control.connection,
      namespace: namespaces.control,
      dataConverter: createDataConverter(createSealer(openKeyRing(strangers, 'codec', environment))),
    });
    const sealed = order('agent:sealed');
    await stranger.workflow.signalWithStart(workflowTypes.stopIntake, {
      workflowId,
      taskQueue,
      args: [],
      signal: signals.order,
      signalArgs: [sealed],
    });
    // Closed runs are read once, unless there is something in them that could not be read.
    await rig.control.workflow.getHandle(workflowId).terminate('by hand');
    await wantDrain();
    startTheRelay();
    await until(async () =>
      logged.some(({ level, fields }) => level === 'error' && fields['event'] === 'drain.sealed'),
    );
    const line = async () => {
      const { workflowExecutionInfo } = (await rig.control.workflow.getHandle(workflowId).describe()).raw;
      return Date.now() - Number(workflowExecutionInfo?.startTime?.seconds) * 1_000;
    };
    // By then a reading without anything sealed in it would have been recorded.
    await until(async () => (await line()) > sweepGapMs + 3_000);
    expect(await ledger.sql('SELECT 1 FROM estop.intake_drains')).toEqual([]);
    expect(await isLatched(sealed)).toBe(false);
    expect(logged.filter(({ fields }) => fields['event'] === 'drain.sealed')).toHaveLength(1);
    await relay?.close();
    startTheRelay(stranger);
    await drained();
    expect(await isLatched(sealed)).toBe(true);
  }, 60_000);
});
