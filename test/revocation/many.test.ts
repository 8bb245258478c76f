import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { lanesPerChild } from '../../src/contract/numbers.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { requires } from '../kit/requires.ts';
import { newId, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

/** Five thousand where everything is to be run; enough for several children elsewhere. */
const grants = process.env['ESTOP_REQUIRE_ALL'] === '1' ? 5_000 : 900;

requires('temporal')('a stop of an agent with thousands of grants', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work({ connectors: { target: { concurrency: 50, phases: ['revoke-credential'] } } });
  });

  it('cuts and proves each of them once, or once more per cut without an answer, in children of at most 400 lanes', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const ids = Array.from({ length: grants }, () => newId('grant'));
    const sealed = ids.map((grantId) => {
      rig.target.grant(grantId);
      return Buffer.from(rig.sealer.seal(new TextEncoder().encode(JSON.stringify({ key: grantId })), grantId));
    });
    await rig.ledger.sql(
      `INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, sealed, absolute_end, asked_at, issued_at)
       SELECT g.id, 'many', t.task_id, t.agent_id, t.agents, t.keys || 'connector:target'::text, t.epoch, 'target', 'x', false, jsonb_build_object('key', g.id), 'issued', g.sealed,
         clock_timestamp() + interval '1 hour', clock_timestamp(), clock_timestamp()
       FROM estop.tasks t, unnest($2::text[], $3::bytea[]) g(id, sealed) WHERE t.task_id = $1`,
      [task.taskId, ids, sealed],
    );
    const { stopId } = await stopAgent(rig.ledger, agent);
    // The stamp alone: a look at the whole progress reads every lane, and hundreds of looks would be most of the work.
    await until(async () => {
      await sleep(500);
      const stamped = 'SELECT 1 FROM estop.stop_progress WHERE stop_id = $1 AND proved_at IS NOT NULL';
      return (await rig.ledger.sql(stamped, [stopId])).length > 0;
    }, 590_000);
    expect((await stopProgress(rig.ledger.as('estop_control'), stopId))?.stage).toBe('proved');

    const cuts = rig.target.lines().filter((line) => line.startsWith('cut '));
    expect(new Set(cuts).size).toBe(grants);
    // Cut again only where the one before had no answer within its deadline: then nobody can know whether it took.
    for (const [grantId, repeats] of repeatsOf(cuts)) {
      const obligationId = `${stopId}/${grantId}`;
      const overdue = rig.logged.filter(
        ({ fields }) =>
          fields['event'] === 'lane.attempt-failed' &&
          fields['obligationId'] === obligationId &&
          fields['phase'] === 'revoke-credential' &&
          String(fields['why']).includes('no answer within'),
      );
      expect([grantId, repeats]).toEqual([grantId, overdue.length]);
    }
    const children = [];
    for await (const { workflowId } of rig.control.workflow.list({ query: "WorkflowType = 'revocationLanes'" }))
      children.push(workflowId);
    const full = Math.ceil(grants / lanesPerChild);
    expect(children.length).toBeGreaterThanOrEqual(full);
    // Each look at the ledger finds what children have in hand as well: taken again, they would be several times as many.
    expect(children.length).toBeLessThanOrEqual(2 * full);
  }, 600_000);
});

/** Of those that were cut more than once: how often more. */
function repeatsOf(cuts: readonly string[]): ReadonlyMap<string, number> {
  const repeats = new Map<string, number>();
  for (const cut of cuts) {
    const [, , key = ''] = cut.split(' ');
    repeats.set(key, (repeats.get(key) ?? -1) + 1);
  }
  return new Map([...repeats].filter(([, more]) => more > 0));
}
