import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { until } from '../revocation/rig.ts';
import { makeStopProgram } from './stop-program.ts';

/** Orders so many stops, so many at once, of a stop process that logs to there, and sees each latched. */
async function expectLatched(log: number | 'pipe', rounds: number, atOnce: number): Promise<ChildProcess> {
  const { ledger, start, send, order } = await makeStopProgram(log);
  const child = await start();
  const stopIds: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const orders = Array.from({ length: atOnce }, () => order('agent:noisy'));
    for (const answer of await Promise.all(orders.map(send)))
      expect(answer).toMatchObject({ state: expect.stringMatching(/latched|accepted/) });
    stopIds.push(...orders.map(({ stopId }) => stopId));
  }
  const latched = 'SELECT 1 FROM estop.stops WHERE stop_id = ANY ($1)';
  await until(async () => (await ledger.sql(latched, [stopIds])).length === stopIds.length);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  return child;
}

it('the stop process goes on although the disk that its log is on is full', async () => {
  const full = openSync('/dev/full', 'w');
  await expectLatched(full, 2, 1);
  closeSync(full);
});

it('the stop process goes on although nobody reads its log any more, and the pipe to it is full; who reads again is told', async () => {
  // Much more than a pipe and the lines that wait for it hold.
  const { stderr } = await expectLatched('pipe', 40, 25);
  let text = '';
  stderr?.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const said = await until(async () => text.split('\n').find((line) => line.includes('"event":"log.lost"')));
  expect(JSON.parse(said)).toMatchObject({
    process: 'stop',
    msg: expect.stringMatching(/^\d+ lines of this log lost since 20/),
  });
});
