import { once } from 'node:events';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { namespaces } from '../../src/contract/names.ts';
import { createBareActivities } from '../bare/agent-activities.ts';
import { readBundle } from '../bare/bundle-rivals.ts';
import { serveOrder } from '../program.ts';

export interface BareAgentOrder {
  readonly temporalAddress: string;
  readonly taskQueue: string;
  readonly bundlePath: string;
  readonly modelUrl: string;
  readonly toolsUrl: string;
}

/** A worker in a process of its own, as ours is. */
serveOrder<BareAgentOrder, object>(async ({ temporalAddress, taskQueue, bundlePath, ...places }, ended) => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', console: {} } },
  });
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: temporalAddress }),
    namespace: namespaces.agents,
    taskQueue,
    workflowBundle: readBundle(bundlePath),
    activities: createBareActivities(places),
  });
  await worker.runUntil(once(ended, 'abort'));
  return {};
});
