import { beforeAll, expect, it } from 'vitest';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { getTask } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

requires('temporal')('a stop, from the latch to proof', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work();
  });

  it('ends the task, cuts its grant, and is proved with the old credential', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const key = await rig.grant(task);
    const { stopId } = await stopAgent(rig.ledger, agent);
    const progress = await until(async () => {
      const seen = await stopProgress(rig.ledger.as('estop_control'), stopId);
      return seen?.stage === 'proved' && seen;
    });
    expect(progress.evidence).toBe('credential-probed');
    expect((await getTask(rig.ledger.as('estop_control'), task.taskId))?.state).toBe('closed');
    expect(rig.target.count('cut fence', key)).toBe(1);
    expect(rig.target.count('cut revoke-credential', key)).toBe(1);
    expect(rig.target.count('use now', key)).toBe(2);
  });
});
