import { spawn } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LatchLine, openLatchLine } from '../../src/stop/latch-line.ts';
import { raiseServer } from '../../src/stop/raise-priority.ts';
import { createDatabase } from '../kit/postgres.ts';
import { until } from '../revocation/rig.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';

describe('a connection for stops', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const open = (processName = 'test'): Promise<LatchLine> =>
    openLatchLine({ databaseUrl: ledger.urls.estop_stop, processName, connectTimeoutMs: 2_000 });

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

  it('the process of the store that serves it goes before others, where we may say so and it is on this machine', async () => {
    const usual = getPriority(process.pid);
    const line = await open('raised');
    const [row] = await ledger.sql(
      "SELECT pid, client_port AS port FROM pg_stat_activity WHERE application_name = 'raised' AND datname = current_database()",
    );
    const [pid, port] = [Number(row?.['pid']), Number(row?.['port'])];
    expect(getPriority(pid)).toBe(mayRaise() ? -10 : usual);
    line.discard();
    const another = await ledger.session();
    const [{ other } = { other: 0 }] = (await another.query<{ other: number }>('SELECT pg_backend_pid() AS other'))
      .rows;
    raiseServer(other, port); // not the one at the other end of that socket
    raiseServer(process.pid, port); // no process of a store
    expect([getPriority(other), getPriority(process.pid)]).toEqual([usual, usual]);
  });
});

function mayRaise(): boolean {
  const child = spawn('sleep', ['10']);
  try {
    setPriority(child.pid ?? 0, -10);
    return true;
  } catch {
    return false;
  } finally {
    child.kill();
  }
}
