import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { createTrustedActivities, type TrustedActivityDependencies } from '../activities/trusted.ts';
import { namespaces, queues } from '../contract/names.ts';
import { traceOfCaller } from './trace-of-caller.ts';

export interface TrustedWorkerDependencies extends TrustedActivityDependencies {
  readonly connection: NativeConnection;
  readonly dataConverter: DataConverter;
  readonly maxActivities?: number;
}

/** Runs activities only, those with a store connection; never code of an agent. */
export function createTrustedWorker(dependencies: TrustedWorkerDependencies): Promise<Worker> {
  const { connection, dataConverter, maxActivities } = dependencies;
  return Worker.create({
    connection,
    namespace: namespaces.agents,
    taskQueue: queues.trusted,
    activities: createTrustedActivities(dependencies),
    dataConverter,
    interceptors: traceOfCaller,
    // Grants that wait for a slow connector must leave room for the latch of a killed task.
    maxConcurrentActivityTaskExecutions: maxActivities ?? 100,
    shutdownGraceTime: '2 s',
    shutdownForceTime: '6 s',
  });
}
