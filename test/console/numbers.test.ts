import { expect, it } from 'vitest';
import { makeControl } from '../control/rig.ts';
import { newId } from '../store/ledger.ts';
import { makeScene, sceneConfig } from './scene.ts';

it('every number of a page says what it counts: what waits for a person, and what tripped a breaker', async () => {
  const made = await makeControl();
  const config = sceneConfig();
  const rig = made.withDeps({ config: { current: () => config } });
  const scene = await makeScene(rig.ledger, config);
  const grantId = newId('grant');
  await rig.ledger.sql(
    `INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, phase, needs_human)
     SELECT cause_id || '/' || $2, cause_id, stop_id, cause_epoch, $2, agent_id, task_id, connector, 'other-jobs', state, phase, needs_human
     FROM estop.obligations WHERE cause_id = $1 AND connector = 'queue'`,
    [scene.stopId, grantId],
  );
  const textOf = async (path: string): Promise<string> => {
    const page = await rig.call('GET', path, { as: 'olga@operator' });
    expect(page.status).toBe(200);
    return page.text.replaceAll(/<[^>]*>/g, '').replaceAll(/\s+/g, ' ');
  };
  expect(await textOf(`/stops/${scene.stopId}`)).toContain(
    'purge-queue waits for 2 credentials at queue, because a playbook',
  );
  const agent = await textOf('/agents/billing-bot');
  expect(agent).toContain('61 calls denied, more than 20 in 60 s; looked at 412 calls');
  expect(agent).toContain('denied-rate20 calls denied');
});
