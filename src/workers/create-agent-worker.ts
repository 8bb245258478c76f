import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, type State, Worker, type WorkflowBundle } from '@temporalio/worker';
import { type AgentActivityDependencies, createAgentActivities } from '../activities/agent.ts';
import { namespaces, queues } from '../contract/names.ts';
import { traceOfCaller } from './trace-of-caller.ts';

export interface AgentWorkerDependencies extends Omit<AgentActivityDependencies, 'slots' | 'isEnding'> {
  readonly connection: NativeConnection;
  readonly dataConverter: DataConverter;
  /** Of `bundleWorkflows('agents')`. */
  readonly workflowBundle: WorkflowBundle;
  readonly maxCachedWorkflows?: number;
  readonly maxActivities?: number;
}

const defaultActivities = 200;
const ending: ReadonlySet<State> = new Set<State>(['STOPPING', 'DRAINING', 'DRAINED', 'STOPPED', 'FAILED']);

/** Runs agentTask and the activities that reach the model and the gateway. Holds no store connection and no connector. */
export async function createAgentWorker(dependencies: AgentWorkerDependencies): Promise<Worker> {
  const { connection, dataConverter, workflowBundle, maxCachedWorkflows } = dependencies;
  const slots = dependencies.maxActivities ?? defaultActivities;
  // Asked by its activities alone, and so not before it is there.
  const isEnding = (): boolean => ending.has(worker.getState());
  const worker: Worker = await Worker.create({
    connection,
    namespace: namespaces.agents,
    taskQueue: queues.agent,
    workflowBundle,
    activities: createAgentActivities({ ...dependencies, slots, isEnding }),
    dataConverter,
    interceptors: traceOfCaller,
    // A cached workflow costs about 45 KB; one that is not costs a replay, and a kill must not wait for a long one.
    maxCachedWorkflows: maxCachedWorkflows ?? 2_000,
    reuseV8Context: true,
    maxConcurrentActivityTaskExecutions: slots,
    maxConcurrentWorkflowTaskExecutions: 100,
    // How fast a running call hears that its task was killed.
    maxHeartbeatThrottleInterval: '500 ms',
    // After a worker crash its tasks go to others after this long; the default of 10 s would be the tail of every kill.
    stickyQueueScheduleToStartTimeout: '1 s',
    shutdownGraceTime: '2 s',
    shutdownForceTime: '6 s',
  });
  return worker;
}
