import { executeChild } from '@temporalio/workflow';

/** Waits for a child that nobody can run. */
export async function waitsForAChild(taskQueue: string): Promise<void> {
  await executeChild('unheardOf', { taskQueue });
}
