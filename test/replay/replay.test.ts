import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { workflowTypes } from '../../src/contract/names.ts';
import { bundleWorkflows, type WorkflowSet } from '../../src/workers/bundle.ts';
import { installTemporalRuntime } from '../../src/workers/temporal-runtime.ts';
import type { Fixture } from './scenario.ts';

const quiet = (): void => undefined;
installTemporalRuntime({ debug: quiet, info: quiet, warn: quiet, error: quiet });
const folder = fileURLToPath(new URL('.', import.meta.url));
const failureConverterPath = fileURLToPath(new URL('../../src/workflows/failure-converter.ts', import.meta.url));
const versions = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const bundles = new Map<WorkflowSet, ReturnType<typeof bundleWorkflows>>();

describe('today’s workflow code', () => {
  for (const { name: version } of versions) {
    for (const file of readdirSync(`${folder}${version}`)) {
      it(`still runs what ${version} recorded in ${file}`, async () => {
        const { workflowId, history } = JSON.parse(readFileSync(`${folder}${version}/${file}`, 'utf8')) as Fixture; // written by record.ts
        await expect(replay(history, workflowId)).resolves.toBeUndefined();
      });
    }
  }
});

async function replay(recorded: unknown, workflowId: string): Promise<void> {
  const history = historyFromJSON(recorded);
  const type = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name;
  const set: WorkflowSet =
    type === workflowTypes.agentTask || type === workflowTypes.agentSession ? 'agents' : 'control';
  const bundle = bundles.get(set) ?? bundleWorkflows(set);
  bundles.set(set, bundle);
  await Worker.runReplayHistory(
    { workflowBundle: await bundle, dataConverter: { failureConverterPath } },
    history,
    workflowId,
  );
}
