import { once } from 'node:events';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { namespaces } from '../../src/contract/names.ts';
import { readBundle } from '../bare/bundle-rivals.ts';
import { serveOrder } from '../program.ts';

export interface BareWorkerOrder {
  readonly temporalAddress: string;
  readonly taskQueue: string;
  readonly bundlePath: string;
}

/** The worker of the rivals, in a process of its own, as ours is, and with room for as many workflows at once. */
serveOrder<BareWorkerOrder, object>(async ({ temporalAddress, taskQueue, bundlePath }, ended, ready) => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', console: {} } },
  });
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: temporalAddress }),
    namespace: namespaces.agents,
    taskQueue,
    workflowBundle: readBundle(bundlePath),
    maxCachedWorkflows: 2_000,
    reuseV8Context: true,
    maxConcurrentWorkflowTaskExecutions: 100,
  });
  const running = worker.runUntil(once(ended, 'abort'));
  ready();
  await running;
  return {};
});
