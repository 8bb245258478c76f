import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { itWhere } from '../kit/requires.ts';
import { newId } from '../store/ledger.ts';
import { type CliRig, deadUrl, mainPath, makeCliRig } from './rig.ts';

type End = 'stdout' | 'stderr';
interface Odds {
  readonly env?: Readonly<Record<string, string>>;
  /** Whose reader ends: before anything was said, or after the first line. */
  readonly readerEnds?: Partial<Readonly<Record<End, 'at-once' | 'after-a-line'>>>;
  /** What goes to a disk that is full. */
  readonly full?: End;
}

describe('a command whose reader has ended', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });

  function start(args: readonly string[], { env = {}, readerEnds = {}, full }: Odds) {
    const fullDisk = openSync('/dev/full', 'w');
    const end = (name: End) => (full === name ? fullDisk : 'pipe');
    const child = spawn(process.execPath, [mainPath, ...args], {
      cwd: rig.stateFolder,
      env: { PATH: process.env['PATH'] ?? '', HOME: rig.stateFolder, ...rig.env, ...env },
      stdio: ['ignore', end('stdout'), end('stderr')],
    });
    closeSync(fullDisk);
    onTestFinished(() => void child.kill('SIGKILL'));
    for (const name of ['stdout', 'stderr'] as const) {
      if (readerEnds[name] === 'at-once') child[name]?.destroy();
      else if (readerEnds[name] === 'after-a-line') child[name]?.once('data', () => child[name]?.destroy());
      else child[name]?.resume();
    }
    return { child, exited: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
  }
  const run = (args: readonly string[], odds: Odds): Promise<number | null> => start(args, odds).exited;
  const isLatched = async (stopId: string): Promise<boolean> =>
    (await rig.ledger.sql('SELECT 1 FROM estop.stops WHERE stop_id = $1', [stopId])).length === 1;

  /** Something to tell about, again and again. */
  async function whileBusy(exited: Promise<number | null>, what: readonly string[]): Promise<number | null> {
    let isOver = false;
    void exited.then(() => (isOver = true));
    while (!isOver) expect((await rig.run(what)).code).toBe(0);
    return exited;
  }

  it('ends as it would have ended: an error is none the less', async () => {
    const nobody = ['agents', '--control-url', await deadUrl()];
    expect(await run([...nobody, '--json'], { readerEnds: { stdout: 'at-once' } })).toBe(7);
    expect(await run(nobody, { readerEnds: { stderr: 'at-once' } })).toBe(7);
    expect(await run(['agents'], { readerEnds: { stdout: 'at-once' } })).toBe(0);
  });

  it('confirms no stop that was not proved', async () => {
    const order = ['stop', 'agent', 'billing-bot', '-o', 'jsonl', '--wait=1s'];
    expect(await run(order, { readerEnds: { stdout: 'after-a-line' } })).toBe(6);
    const stopId = newId('stop');
    const quietly = ['stop', 'agent', 'mail-bot', '--no-wait', '--stop-id', stopId];
    expect(await run(quietly, { readerEnds: { stdout: 'at-once', stderr: 'at-once' } })).toBe(0);
    expect(await isLatched(stopId)).toBe(true);
    const watching = start(['stop', 'show', stopId, '--watch', '-o', 'jsonl'], { readerEnds: { stdout: 'at-once' } });
    expect(await whileBusy(watching.exited, ['note', stopId, 'seen'])).toBe(6);
  });

  it('ends where it would go on for as long as somebody looks', async () => {
    const listening = start(['events'], { readerEnds: { stdout: 'at-once' } });
    expect(await whileBusy(listening.exited, ['stop', 'model', 'heard-of', '--no-wait'])).toBe(0);
    expect(await run(['agents', '--watch'], { readerEnds: { stdout: 'at-once' } })).toBe(0);
  });

  it('says so where what it printed found no room on the disk, and the stop stands', async () => {
    expect(await run(['agents', '--json'], { full: 'stdout' })).toBe(1);
    const [first, second] = [newId('stop'), newId('stop')];
    expect(await run(['stop', 'model', 'a', '--no-wait', '--stop-id', first], { full: 'stdout' })).toBe(1);
    expect(await run(['stop', 'model', 'b', '--no-wait', '--stop-id', second], { full: 'stderr' })).toBe(0);
    expect([await isLatched(first), await isLatched(second)]).toEqual([true, true]);
  });

  const address = inject('temporalAddress');
  const itHasTemporal = itWhere(address !== '', 'the Temporal CLI, or Go 1.26.4 or newer, for an intake');
  for (const [what, hangsUp] of [
    ['nobody reads what it says', false],
    ['its terminal is closed', true],
  ] as const) {
    itHasTemporal(`orders at the intake what a store that hangs does not latch, although ${what}`, async () => {
      const store = createServer((socket) => void socket.on('error', () => undefined));
      await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void store.close());
      const asked = new Promise((resolve) => store.once('connection', resolve));
      const at = store.address();
      const environment = `cli${Math.trunc(Math.random() * 1e6)}`;
      const stopId = `stop_${environment}_${newId('stop').slice(-26)}`;
      const { child, exited } = start(['stop', 'agent', 'billing-bot', '--direct', '--no-wait', '--stop-id', stopId], {
        env: {
          ESTOP_ENVIRONMENT: environment,
          ESTOP_TEMPORAL_ADDRESS: address,
          ESTOP_DIRECT_URL: `postgres://x:y@127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 1}/none`,
        },
        readerEnds: { stderr: 'at-once' },
      });
      await asked;
      if (hangsUp) child.kill('SIGHUP');
      expect(await exited).toBe(6);
      const connection = await Connection.connect({ address });
      const intake = new Client({ connection, namespace: 'estop-control' }).workflow.getHandle(
        `stop-intake/${environment}`,
      );
      const { events } = await intake.fetchHistory();
      const orders = events?.map((event) => event.workflowExecutionSignaledEventAttributes?.input?.payloads?.[0]?.data);
      expect(orders?.map((order) => Buffer.from(order ?? []).toString()).join()).toContain(stopId);
      await intake.terminate();
      await connection.close();
    });
  }
});
