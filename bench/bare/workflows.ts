import { condition, defineSignal, setHandler } from '@temporalio/workflow';

const end = defineSignal('kill');

/** The rival of agentTask: a workflow that waits for one signal and does nothing else. */
export async function bareWait(): Promise<void> {
  let ended = false;
  setHandler(end, () => {
    ended = true;
  });
  await condition(() => ended);
}
