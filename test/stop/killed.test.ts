import { expect, it } from 'vitest';
import { until } from '../revocation/rig.ts';
import { makeStopProgram } from './stop-program.ts';

/** What the stop process has done when it is killed: from the order that it has just read to the answer that it has given. */
it.each([
  ['while its latch waits for another stop', 'waiting'],
  ['as soon as its latch is committed', 'committed'],
  ['while orders come in, at any moment', 'whenever'],
] as const)(
  'a stop process that is killed -9 %s loses no stop that it acknowledged, and makes no second one of a repeat',
  async (_when, moment) => {
    const { ledger, start, send, order } = await makeStopProgram();
    const rowsOf = (stopIds: readonly string[]) =>
      ledger.sql('SELECT stop_id, epoch FROM estop.stops WHERE stop_id = ANY ($1)', [stopIds]);
    for (let round = 0; round < 2; round += 1) {
      const child = await start();
      const orders = Array.from({ length: moment === 'whenever' ? 20 : 1 }, () => order('agent:killed'));
      const stopIds = orders.map(({ stopId }) => stopId);
      const holder = await ledger.session();
      await holder.query('BEGIN');
      if (moment === 'waiting') await holder.query('SELECT 1 FROM estop.latch_order FOR UPDATE');
      const sending = Promise.all(orders.map(send));
      if (moment === 'waiting')
        await until(
          async () =>
            (
              await ledger.sql(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%estop.latch(%'",
              )
            ).length > 0,
        );
      if (moment === 'committed') await until(async () => (await rowsOf(stopIds)).length > 0);
      child.kill('SIGKILL');
      const answers = await sending;
      await holder.query('ROLLBACK');
      const before = await rowsOf(stopIds);
      for (const [index, answer] of answers.entries())
        if (answer !== undefined && 'epoch' in answer)
          expect(before).toContainEqual({ stop_id: stopIds[index], epoch: answer.epoch });
      const next = await start();
      for (const repeated of orders)
        await until(async () => {
          const answer = await send(repeated);
          return answer !== undefined && 'state' in answer && answer.state === 'latched';
        });
      const after = await rowsOf(stopIds);
      expect(after).toHaveLength(orders.length);
      expect(after).toEqual(expect.arrayContaining([...before]));
      next.kill('SIGKILL');
      await until(async () => next.signalCode !== null);
    }
  },
);
