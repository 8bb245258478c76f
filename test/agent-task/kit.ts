import { createDatabase } from '../kit/postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { type Stack, type StackPlan, startStackOn } from './stack.ts';

export { agentSpec, type Stack, type TaskHandle } from './stack.ts';

export interface PlacedStack extends Stack {
  readonly folder: string;
}

/** A stack on the test run's own database server, whose files go with the test file. */
export async function startStack(plan: StackPlan): Promise<PlacedStack> {
  const { url } = await createDatabase('ledger');
  const folder = tempFolder();
  return { ...(await startStackOn({ folder, databaseUrl: url }, plan)), folder };
}
