import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { leaseMs } from '../../src/contract/numbers.ts';
import { sourceRoot } from '../../src/runtime/package-root.ts';
import { type Program, runProgram } from '../kit/program.ts';
import { callTool, makeRig, type Rig, type RunningGateway, until, untilNotReady, untilReady } from './rig.ts';

/**
 * The stop process as it really runs, its gateways as they really run but for the process. Each guard was taken out once; with the
 * age of the mark left out of the lease (lease.ts, leaseOf) calls went on for almost two leases, and this test counted hundreds.
 */
let rig: Rig;
let stopProcess: Program;
let gateways: readonly RunningGateway[];

beforeAll(async () => {
  rig = await makeRig();
  writeFileSync(join(rig.folder, 'tokens.json'), JSON.stringify({ environment: 'test', tokens: [] }), { mode: 0o600 });
  stopProcess = runProgram(join(sourceRoot, 'stop/main.ts'), [], {
    env: {
      ...process.env,
      ESTOP_ENVIRONMENT: 'test',
      ESTOP_STATE: rig.folder,
      ESTOP_DATABASE_URL: rig.ledger.urls.estop_stop,
      // Nobody is there: the stop process does without until an order needs the intake.
      ESTOP_TEMPORAL_ADDRESS: '127.0.0.1:9',
      ESTOP_STOP_PORT: '0',
    },
  });
  await until(async () => (await markAges()).some(({ process }) => process === 'estop-stop-test'));
  rig.heart.beating = false;
  gateways = [await rig.startGateway(), await rig.startGateway()];
  for (const gateway of gateways) await untilReady(gateway);
});

const markAges = async (): Promise<readonly { readonly process: unknown; readonly ageMs: number }[]> =>
  (
    await rig.ledger.sql(
      'SELECT process, extract(epoch FROM clock_timestamp() - beat_at) * 1000 AS age FROM estop.latch_marks',
    )
  ).map((row) => ({ process: row['process'], ageMs: Number(row['age']) }));

it('every gateway stops within its lease when the stop process is killed and left dead', async () => {
  const tasks = await Promise.all(gateways.map(() => rig.startTask()));
  const open = await rig.startTask();
  const [gateway] = gateways;
  if (gateway === undefined) throw new Error('no gateway');
  const longCall = callTool(gateway, await rig.token(open), 'billing__slow_report', { seconds: 60 });
  let go = true;
  const clients = gateways.map(async (one, index) => {
    const task = tasks[index];
    const token = task === undefined ? '' : await rig.token(task);
    while (go) {
      await callTool(one, token, 'billing__send_reminder', { invoice_id: 'INV-1' });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  const reached = () => rig.upstream.calls().filter((call) => tasks.some((task) => task.taskId === call.taskId));
  await until(() => tasks.every((task) => rig.calls(task).length > 20) && rig.calls(open).length === 1);

  // In the middle between two beats, so that none is on its way when it dies.
  await rig.ledger.sql("DELETE FROM estop.latch_marks WHERE process <> 'estop-stop-test'");
  await until(async () => (await markAges()).every(({ ageMs }) => ageMs > 300 && ageMs < 600));
  await stopProcess.kill('SIGKILL');
  const died = Date.now();
  for (const one of gateways) await untilNotReady(one);
  // They are asked for twice as long as it takes, and the target's own log is the judge.
  await until(() => Date.now() > died + 2 * leaseMs);
  go = false;
  await Promise.all(clients);

  expect(reached().filter((call) => call.at > died).length).toBeGreaterThan(0);
  expect(reached().filter((call) => Math.max(call.at, call.effectAt ?? 0) > died + leaseMs)).toEqual([]);
  expect(await longCall).toMatchObject({ isError: true, meta: { 'estop/decision': 'possibly-completed' } });
  await until(() => rig.calls(open)[0]?.abortedAt !== undefined);
});
