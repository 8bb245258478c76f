import type { Bed } from '../bed.ts';
import { type Program, startProgram } from '../program.ts';
import type { BareWorkerOrder } from '../programs/bare-worker.ts';

export const bareQueue = 'bench-bare';

/** Resolves once it polls. */
export async function startBareWorker({ installation, rivalsPath }: Bed): Promise<Program<object>> {
  const program = startProgram<object>('bare-worker', {
    temporalAddress: installation.profile.temporalAddress,
    taskQueue: bareQueue,
    bundlePath: rivalsPath,
  } satisfies BareWorkerOrder);
  await program.ready;
  return program;
}
