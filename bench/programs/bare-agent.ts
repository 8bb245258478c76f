import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { namespaces } from '../../src/contract/names.ts';
import { sourceExtension } from '../../src/runtime/package-root.ts';
import { createBareActivities } from '../bare-agent/activities.ts';
import { serveOrder } from '../program.ts';

export interface BareAgentOrder {
  readonly temporalAddress: string;
  readonly taskQueue: string;
  readonly modelUrl: string;
  readonly toolsUrl: string;
}

/** A worker in a process of its own, as ours is. */
serveOrder<BareAgentOrder, object>(async ({ temporalAddress, taskQueue, ...places }, ended) => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', console: {} } },
  });
  const workflowsPath = fileURLToPath(new URL(`../bare-agent/workflows${sourceExtension}`, import.meta.url));
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: temporalAddress }),
    namespace: namespaces.agents,
    taskQueue,
    workflowBundle: await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }),
    activities: createBareActivities(places),
  });
  await worker.runUntil(once(ended, 'abort'));
  return {};
});
