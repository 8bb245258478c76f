import { beforeAll, describe, expect, it } from 'vitest';
import { createTaskWorkflows } from '../../src/control/temporal-task-workflows.ts';
import { EstopError } from '../../src/core/errors.ts';
import { latch } from '../../src/store/latch.ts';
import { addAgent, fence, order, startTask } from '../store/ledger.ts';
import { type ControlRig, makeControl } from './rig.ts';

describe('a stop that stands still', () => {
  let rig: ControlRig;
  let away: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
    const noTemporal = async () => Promise.reject(new EstopError('temporal-unavailable'));
    away = rig.withDeps({ workflows: createTaskWorkflows(noTemporal, rig.deps.log) });
  });
  const page = async (on: ControlRig, stopId: string): Promise<string> =>
    (await on.call('GET', `/stops/${stopId}`, { as: 'viewer', headers: { accept: 'text/html' } })).text;
  const words = 'Temporal does not answer control';

  it('says that Temporal is away, what that keeps it from, and what it does not', async () => {
    const agent = await addAgent(rig.ledger);
    await startTask(rig.ledger, agent);
    const placed = order(`agent:${agent.agentId}`);
    const { stopId } = placed;
    await latch(rig.ledger.as('estop_stop'), placed);
    // Just latched: nobody is frightened by what has had no time.
    expect(await page(away, stopId)).not.toContain(words);
    await rig.ledger.sql("UPDATE estop.stops SET latched_at = latched_at - interval '1 minute'");
    const early = await page(away, stopId);
    expect(early).toContain(words);
    expect(early).toContain('whether it is fenced was not seen');
    expect(early).toContain('estop doctor');
    await fence(rig.ledger, stopId);
    expect(await page(away, stopId)).toContain('Fenced it stays');
    await rig.ledger.sql(
      "UPDATE estop.stops SET latched_at = latched_at + interval '1 minute', category = 1, grace_ms = 60000",
    );
    expect(await page(away, stopId)).not.toContain(words);
  });
});
