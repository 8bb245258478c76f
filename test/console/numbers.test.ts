import pc from 'picocolors';
import { expect, it } from 'vitest';
import { stopLines } from '../../src/cli/stop-lines.ts';
import type { StopView } from '../../src/contract/http/stops.ts';
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

it('every time of a stop says what was seen then, and a lane that waits for a person has failed nothing', async () => {
  const made = await makeControl();
  const config = sceneConfig();
  const rig = made.withDeps({ config: { current: () => config } });
  const { stopId } = await makeScene(rig.ledger, config);
  const at = async (connector: string, cut: string, seen: string) =>
    rig.ledger.sql(
      `UPDATE estop.obligations o SET revoked_at = s.latched_at + $3::interval, proved_at = s.latched_at + $4::interval
       FROM estop.stops s WHERE s.stop_id = o.cause_id AND o.cause_id = $1 AND o.connector = $2`,
      [stopId, connector, cut, seen],
    );
  await at('ledger-db', '1200 ms', '12 min');
  await rig.ledger.sql(
    `UPDATE estop.obligations SET last_error = needs_human, next_try_at = now() + interval '8 s' WHERE cause_id = $1 AND connector = 'queue'`,
    [stopId],
  );
  const { text } = await rig.call('GET', `/stops/${stopId}`, { as: 'olga@operator' });
  const cells = (target: string): readonly string[] =>
    [
      ...(
        text
          .split('<tr>')
          .slice(1)
          .find((row) => row.includes(target)) ?? ''
      ).matchAll(/<td data-of="([^"]*)">(.*?)<\/td>/gs),
    ].map(
      ([, name, cell = '']) =>
        `${name}: ${cell
          .replaceAll(/<[^>]*>/g, ' ')
          .replaceAll(/\s+/g, ' ')
          .trim()}`,
    );
  expect(cells('role agent_mail_4')).toContain('After the latch: cut off 1.20 s seen dead 12 min');
  expect(cells('client mail-bot')).toContainEqual(
    expect.stringMatching(/^After the latch: cut off .* not seen dead yet$/),
  );
  expect(cells('share 3')).toContain('After the latch: not cut yet');
  expect(cells('mail-jobs')).toEqual(
    expect.arrayContaining([
      'State: waits for a person',
      "Last error: none: purge-queue goes on within 10 s of a person's word",
    ]),
  );
  const shown = stopLines(
    (await rig.call('GET', `/v1/stops/${stopId}`, { as: 'olga@operator' })).body as StopView,
    Date.now(),
    pc,
  );
  expect(shown.find((line) => line.startsWith('CONNECTOR'))).toContain('SEEN DEAD AFTER');
});
