import { beat } from '../../src/store/latch.ts';
import { type Ledger, newName } from './ledger.ts';
import { doneOrBlocked } from './waiting.ts';

/** A stop process's beat, begun while another session holds the lock that orders stops among themselves. */
export async function heldUpBeat(ledger: Ledger) {
  const holder = await ledger.session();
  await holder.query('BEGIN');
  await holder.query('SELECT 1 FROM estop.latch_order FOR UPDATE');
  const process = newName('beat');
  const beating = beat(ledger.alone('estop_stop', process), process);
  const outcome = await doneOrBlocked(ledger, process, beating);
  return { process, beating, isBlocked: outcome === 'blocked', release: () => holder.query('ROLLBACK') };
}
