import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Registry } from 'prom-client';
import { atBoundary } from '../activities/boundary.ts';
import { createConnectorActivities } from '../activities/connector-phase.ts';
import { createDrillActivities, createDrillIssue } from '../activities/drill.ts';
import { createHaltActivities } from '../activities/halt.ts';
import { createLaneActivities } from '../activities/lane.ts';
import { createNotifyActivities, type NotifyDeps } from '../activities/notices/notify.ts';
import { createStopActivities } from '../activities/stop.ts';
import { createSweepActivities } from '../activities/sweep.ts';
import { createTaskWorkflows, type TaskWorkflows } from '../activities/task-workflows.ts';
import type { Connector, ConnectorSystem } from '../connectors/kit/contract.ts';
import type {
  ConnectorActivities,
  ControlActivities,
  DrillActivities,
  DrillIssueActivities,
} from '../contract/activities.ts';
import type { ScheduledDrill } from '../contract/config.ts';
import type { Log, Sealer } from '../contract/identity.ts';
import { connectorQueue, namespaces, queues } from '../contract/names.ts';
import type { TemporalSecurity } from '../contract/temporal-security.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { lazyConnection } from '../runtime/lazy-connection.ts';
import { refuseForeignNamespaces } from '../runtime/namespace-owner.ts';
import { traceOfStarter } from '../runtime/trace-of-starter.ts';
import { openStore } from '../store/pool.ts';
import { bundleWorkflows } from './bundle.ts';
import { startConnectorChecks } from './connector-checks.ts';
import { createFailureWatch, createRoundWatch, showLedger } from './metrics.ts';
import type { ResponseConfig } from './relay/news-round.ts';
import { requireOwnTemporal } from './relay/own-temporal.ts';
import { seenInOurs } from './relay/seen-in-ours.ts';
import { startRelay } from './relay/start-relay.ts';
import { installTemporalRuntime } from './temporal-runtime.ts';
import { traceOfCaller } from './trace-of-caller.ts';
import { createWorkerSet } from './worker-set.ts';

/** The connectors of estop.yaml; may change while this runs. */
export interface ConnectorSource {
  ids(): readonly string[];
  /** Throws where the connector cannot be built. */
  get(connectorId: string): { readonly connector: Connector; readonly system: ConnectorSystem };
  system(connectorId: string): ConnectorSystem | undefined;
}

export interface ControlWorkerDeps {
  readonly environment: string;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalSecurity?: TemporalSecurity;
  readonly dataConverter?: DataConverter;
  readonly connectors: ConnectorSource;
  /** Opens grants; context = grant id. */
  readonly sealer: Sealer;
  readonly log: Log;
  /** How long the relay keeps rows that nobody needs any more. */
  readonly retentionMs?: number;
  /** Without it what happens is written down, and nobody is told. */
  readonly telling?: Pick<NotifyDeps, 'notifications' | 'consoleUrl' | 'readSecret'>;
  /** Triggers and playbooks. */
  readonly response?: () => ResponseConfig;
  /** Which connectors are tried by themselves. */
  readonly drills?: () => readonly ScheduledDrill[];
  /** Figures are shown there. */
  readonly registry?: Registry | undefined;
  /** host:port for what Temporal's SDK counts. */
  readonly temporalMetrics?: string | undefined;
  /** Stands between the worker and the agents' tasks: how a test or the demo takes that part out without a switch in the product. */
  readonly decorateTasks?: (tasks: TaskWorkflows) => TaskWorkflows;
}

export interface ControlWorker {
  /** After the connectors have changed: workers for new ones, none for those that are gone. */
  refresh(): void;
  close(): Promise<void>;
}

const refreshEveryMs = 5_000;
const lookMs = 5_000;

/**
 * Everything that works a stop off, in one process: the relay, the workflows of estop-control with their store activities, and one
 * worker per connector, so that a hung system holds only its own slots. Comes up while the store and Temporal are away.
 */
export function startControlWorker(deps: ControlWorkerDeps): ControlWorker {
  const { environment, log, connectors, temporalAddress, temporalSecurity } = deps;
  installTemporalRuntime(log, deps.temporalMetrics);
  const { registry } = deps;
  const onFailure = registry === undefined ? undefined : createFailureWatch(registry);
  const open = (applicationName: string, max: number, queryTimeoutMs: number) =>
    openStore({
      url: deps.databaseUrl,
      applicationName,
      max,
      queryTimeoutMs,
      onError: (error) => log.debug({ cause: String(error) }, 'an idle store connection broke'),
    });
  const stores = {
    relay: open('estop-relay', 3, 5_000),
    ledger: open('estop-revoker', 7, 30_000),
    latch: open('estop-intake', 2, 2_000),
    notices: open('estop-notices', 2, 10_000),
  };
  const converter = deps.dataConverter === undefined ? {} : { dataConverter: deps.dataConverter };
  const connection = lazyConnection({
    address: temporalAddress,
    ...temporalSecurity,
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    },
  });
  const clientOf = (namespace: string): Client =>
    new Client({ connection, namespace, interceptors: traceOfStarter, ...converter });
  const [control, agents] = [clientOf(namespaces.control), clientOf(namespaces.agents)];
  const plain = createTaskWorkflows(agents, `estop-control-worker-${environment}`);
  const tasks = deps.decorateTasks?.(plain) ?? plain;

  /** One that issues nothing that could be thrown away would be asked in vain. */
  const drills = (): readonly ScheduledDrill[] =>
    deps.drills?.().filter(({ connectorId }) => connectors.system(connectorId)?.drill !== undefined) ?? [];
  const relay = startRelay({
    environment,
    store: stores.relay,
    latchStore: stores.latch,
    breakerStore: stores.ledger,
    noticeStore: stores.notices,
    notifications: () => deps.telling?.notifications(),
    ...(deps.response === undefined ? {} : { response: deps.response }),
    drills,
    control,
    agents,
    tasks,
    log,
    ...(registry === undefined ? {} : { onRoundFailure: createRoundWatch(registry) }),
    ...(deps.retentionMs === undefined ? {} : { retentionMs: deps.retentionMs }),
  });
  const controlActivities: ControlActivities & DrillActivities = {
    ...createStopActivities({ store: stores.latch, environment, log }),
    ...createHaltActivities({
      store: stores.ledger,
      tasks: seenInOurs(tasks, requireOwnTemporal(control, environment)),
      log,
    }),
    ...createSweepActivities({ store: stores.ledger, client: agents, tasks, log }),
    ...createLaneActivities({ store: stores.ledger, directory: connectors, log }),
    ...createDrillActivities({ store: stores.ledger, log }),
  };
  const get = (connectorId: string) => connectors.get(connectorId);
  const ofConnectors = { store: stores.ledger, environment, sealer: deps.sealer, log, get };
  const connectorActivities: ConnectorActivities & DrillIssueActivities = {
    ...createConnectorActivities(ofConnectors),
    ...createDrillIssue(ofConnectors),
  };
  const workers = createWorkerSet(log);
  const native = lazily(async () => {
    const opened = await NativeConnection.connect({ address: temporalAddress, ...temporalSecurity });
    await opened
      .withDeadline(Date.now() + lookMs, () => refuseForeignNamespaces(opened, environment))
      .catch(async (thrown: unknown) => {
        await opened.close();
        throw thrown;
      });
    return opened;
  });
  const bundle = lazily(() => bundleWorkflows('control'));
  const shared = {
    namespace: namespaces.control,
    shutdownGraceTime: '2 s',
    shutdownForceTime: '6 s',
    interceptors: traceOfCaller,
    ...converter,
  } as const;

  workers.keep(queues.control, async () =>
    Worker.create({
      ...shared,
      connection: await native(),
      workflowBundle: await bundle(),
      taskQueue: queues.control,
      activities: atBoundary(controlActivities, log, onFailure),
      maxConcurrentActivityTaskExecutions: 50,
      // Under load a shorter one makes workers replay long histories, which makes the load worse.
      stickyQueueScheduleToStartTimeout: '5 s',
      maxHeartbeatThrottleInterval: '1 s',
    }),
  );
  if (deps.telling !== undefined) {
    const activities = createNotifyActivities({ ...deps.telling, store: stores.notices, environment, log });
    workers.keep(queues.notify, async () =>
      Worker.create({
        ...shared,
        connection: await native(),
        workflowBundle: await bundle(),
        taskQueue: queues.notify,
        activities: atBoundary(activities, log, onFailure),
        // They wait for others most of the time, and one endpoint has a few of them at most.
        maxConcurrentActivityTaskExecutions: 100,
        // Short histories: replaying one costs less than waiting for a worker that was killed.
        stickyQueueScheduleToStartTimeout: '1 s',
      }),
    );
  }
  const own: readonly string[] = [queues.control, queues.notify];
  const refresh = (): void => {
    const wanted = new Set([...own, ...connectors.ids().map(connectorQueue)]);
    for (const name of workers.names()) if (!wanted.has(name)) workers.drop(name);
    for (const connectorId of connectors.ids()) {
      workers.keep(connectorQueue(connectorId), async () => {
        const system = connectors.system(connectorId);
        if (system === undefined)
          throw new EstopError('not-found', { detail: `no system for connector ${connectorId}` });
        return Worker.create({
          ...shared,
          connection: await native(),
          taskQueue: connectorQueue(connectorId),
          activities: atBoundary(connectorActivities, log, onFailure),
          maxConcurrentActivityTaskExecutions: system.concurrency,
          maxHeartbeatThrottleInterval: '1 s',
        });
      });
    }
  };
  // Named here, once; its lanes go on trying and say the same in the ledger.
  for (const connectorId of connectors.ids()) {
    try {
      connectors.get(connectorId);
    } catch (thrown) {
      log.error(
        { event: 'connector.unavailable', connectorId, code: errorCodeOf(thrown) },
        'a connector cannot be built; the others work',
      );
    }
  }
  const shown = registry === undefined ? undefined : showLedger({ registry, store: stores.notices, drills, log });
  refresh();
  const checks = startConnectorChecks({ store: stores.ledger, connectors, log });
  const refreshing = setInterval(refresh, refreshEveryMs);
  refreshing.unref();

  const close = lazily(async () => {
    clearInterval(refreshing);
    shown?.close();
    await Promise.all([relay.close(), workers.close(), checks.close()]);
    await Promise.allSettled([connection.close(), native.peek()?.then((opened) => opened.close())]);
    await Promise.all(Object.values(stores).map((store) => store.end()));
  });
  return { refresh, close };
}

/** Made at the first use, shared by all, and made again after a failure. */
function lazily<Value>(make: () => Promise<Value>): (() => Promise<Value>) & { peek(): Promise<Value> | undefined } {
  let made: Promise<Value> | undefined;
  const get = (): Promise<Value> => {
    made ??= make().catch((thrown: unknown) => {
      made = undefined;
      throw thrown;
    });
    return made;
  };
  return Object.assign(get, { peek: () => made });
}
