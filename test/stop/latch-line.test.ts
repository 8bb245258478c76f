import { beforeAll, describe, expect, it } from 'vitest';
import { type LatchLine, openLatchLine } from '../../src/stop/latch-line.ts';
import { createDatabase } from '../kit/postgres.ts';
import { until } from '../revocation/rig.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';

describe('a connection for stops', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const open = (): Promise<LatchLine> =>
    openLatchLine({ databaseUrl: ledger.urls.estop_stop, processName: 'test', connectTimeoutMs: 2_000 });

  it('has been through a whole latch before its first stop, and nothing of that was committed', async () => {
    const line = await open();
    line.discard(); // what a session counted is told when it ends
    await until(async () => {
      const [row] = await ledger.sql(
        "SELECT n_tup_ins AS n FROM pg_stat_user_tables WHERE schemaname = 'estop' AND relname = 'stops'",
      );
      return Number(row?.['n']) > 0;
    });
    expect(await ledger.sql('SELECT 1 FROM estop.stops')).toEqual([]);
    expect(await ledger.sql('SELECT estop.current_epoch()::integer AS epoch')).toEqual([{ epoch: 0 }]);
  });

  it('opens while another holds the lock of stops, and latches once that is free', async () => {
    const holder = await ledger.session();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM estop.latch_order FOR UPDATE');
    const line = await open();
    await holder.query('ROLLBACK');
    await line.beat('test');
    line.discard();
  });
});
