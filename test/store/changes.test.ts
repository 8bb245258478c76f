import { beforeAll, describe, expect, it } from 'vitest';
import { toolKey } from '../../src/core/scope-key.ts';
import { changedObligationsText, changedStops, changedStopsText } from '../../src/store/changes.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger, newName, stop } from './ledger.ts';

describe('what may be news of stops', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
    await ledger.sql(
      `INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method, latched_at)
       SELECT 'stop_old' || n, n - 30000, 'tool:a/b', 0, 0, '', 'olga', 'api', now() - interval '1 year' FROM generate_series(1, 20000) n`,
    );
    await ledger.sql(
      `INSERT INTO estop.stop_progress (stop_id, proved_at) SELECT 'stop_old' || n, now() - interval '1 year' FROM generate_series(1, 20000) n`,
    );
    for (const table of ['stops', 'stop_progress']) await ledger.sql(`ANALYZE estop.${table}`);
  });

  const news = async (since = new Date(Date.now() - 5_000).toISOString()) =>
    (await changedStops(ledger.as('estop_control'), { since })).map((changed) => changed.stop.stopId);
  const note = (stopId: string, provedAt: string) =>
    ledger.sql(
      `INSERT INTO estop.stop_progress (stop_id, proved_at) VALUES ($1, ${provedAt}) ON CONFLICT (stop_id) DO UPDATE SET proved_at = ${provedAt}`,
      [stopId],
    );

  it('is all that is not proved, whether somebody has taken it up or not, and what was proved or reset of late', async () => {
    const { stopId } = await stop(ledger, toolKey('files', newName('delete')));
    expect(await news()).toEqual([stopId]);
    await note(stopId, 'NULL');
    expect(await news()).toEqual([stopId]);
    await note(stopId, 'now()');
    expect(await news()).toEqual([stopId]);
    await note(stopId, "now() - interval '1 hour'");
    expect(await news()).toEqual([]);
    await ledger.sql(
      `UPDATE estop.stops SET reset_at = now(), reset_epoch = epoch + 1, reset_by = 'olga', reset_reason = '' WHERE stop_id = $1`,
      [stopId],
    );
    expect(await news()).toEqual([stopId]);
    expect(await news(new Date(Date.now() + 3_600_000).toISOString())).toEqual([]);
    const named = await changedStops(ledger.as('estop_control'), {
      since: new Date().toISOString(),
      stopId: 'stop_old7',
    });
    expect(named.map((changed) => changed.stop.stopId)).toEqual(['stop_old7']);
  });

  it.each([
    ['stops', changedStopsText],
    ['obligations', changedObligationsText],
  ])('is found among %s without reading those of years', async (_what, text) => {
    const control = ledger.as('estop_control');
    const { rows } = await control.query(`EXPLAIN (FORMAT JSON) ${text}`, [new Date().toISOString()]);
    expect(JSON.stringify(rows)).toContain('"Index Name":"stop_progress_proved"');
    expect(JSON.stringify(rows)).not.toMatch(/"Seq Scan"[^{}]*"Relation Name":"(?:stops|stop_progress)"/);
  });
});
