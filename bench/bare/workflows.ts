import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { condition, defineSignal, proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { searchAttributes } from '../../src/contract/names.ts';

export { bareAgent } from './agent-workflow.ts';

const end = defineSignal('kill');

/** The rival of agentTask: a workflow that waits for one signal and does nothing else. */
export async function bareWait(): Promise<void> {
  let ended = false;
  setHandler(end, () => {
    ended = true;
  });
  await condition(() => ended);
}

const state = defineSearchAttributeKey(searchAttributes.state, SearchAttributeType.KEYWORD);
const { neverDone } = proxyActivities<{ neverDone(): Promise<void> }>({
  taskQueue: 'bench-nobody',
  scheduleToCloseTimeout: '1 h',
});

/** The rival of an agentTask at work: in the list as running, and with one activity that is not over. */
export async function bareRunning(): Promise<void> {
  upsertSearchAttributes([{ key: state, value: 'running' }]);
  await neverDone();
}
