import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { namespaces } from '../../src/contract/names.ts';
import { sourceExtension } from '../../src/runtime/package-root.ts';

export const bareQueue = 'bench-bare';

/** Runs the rivals' workflows in this process, on the same server. */
export async function startBareWorker(address: string): Promise<{ stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace: namespaces.agents,
    taskQueue: bareQueue,
    workflowsPath: fileURLToPath(new URL(`./workflows${sourceExtension}`, import.meta.url)),
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
