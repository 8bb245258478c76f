import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { namespaces } from '../../src/contract/names.ts';
import { sourceExtension } from '../../src/runtime/package-root.ts';

let quiet: Runtime | undefined;
let bundle: ReturnType<typeof bundleWorkflowCode> | undefined;

export const bareQueue = 'bench-bare';

/** Runs the rivals' workflows in this process, on the same server. */
export async function startBareWorker(address: string): Promise<{ stop(): Promise<void> }> {
  quiet ??= Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', console: {} } },
  });
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`./workflows${sourceExtension}`, import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace: namespaces.agents,
    taskQueue: bareQueue,
    workflowBundle: await bundle,
  });
  const running = worker.run();
  return {
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
