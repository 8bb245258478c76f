import { executeChild, makeContinueAsNewFunc } from '@temporalio/workflow';

/** Waits for a child that nobody can run. */
export async function waitsForAChild(taskQueue: string): Promise<void> {
  await executeChild('unheardOf', { taskQueue });
}

/** Waits for a child that goes on as a run that nobody can run. */
export async function waitsForAnOldChild(taskQueue: string): Promise<void> {
  await executeChild(goesOn, { args: [taskQueue] });
}

export async function goesOn(taskQueue: string): Promise<void> {
  await makeContinueAsNewFunc({ workflowType: 'unheardOf', taskQueue })();
}
