import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { agentKey, taskKey } from '../../src/core/scope-key.ts';
import type { FencePort } from '../../src/gateway/fence/fence-port.ts';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';
import { decideApproval } from '../../src/store/approvals.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { fence, openLedger, putAgents, stop } from '../store/ledger.ts';
import { startAddress } from './moving-address.ts';
import {
  billingBot,
  callTool,
  closeAfterAll,
  makeRig,
  type Reply,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilFenced,
  untilNotReady,
  untilReady,
} from './rig.ts';

/** A copy of a server that was shut down is what a base backup is. Its files stay those of the account that runs it. */
function copyStandby(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const part of ['data', 'superuser.json']) {
    const copied = spawnSync('cp', ['-a', join(from, part), join(to, part)], { encoding: 'utf8' });
    if (copied.status !== 0) throw new Error(copied.stderr);
  }
  const signal = join(to, 'data', 'standby.signal');
  writeFileSync(signal, '');
  const { uid, gid } = statSync(join(to, 'data'));
  chownSync(signal, uid, gid);
}

const settings = { max_connections: 100, shared_buffers: '32MB' };
const name = 'postgres';

async function asked(
  server: PostgresServer,
  text: string,
  database = 'postgres',
): Promise<Record<string, unknown> | undefined> {
  const client = new Client({ connectionString: server.url(database) });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows[0];
  } finally {
    await client.end();
  }
}

/** Both as real servers, and a gateway that reaches the primary by the address. */
async function startPair(isSynchronous: boolean, decorated: (port: FencePort) => FencePort = (port) => port) {
  const [one, other] = [tempFolder(), tempFolder()];
  const address = await startAddress();
  const first = await startPostgres({ folder: one, name, settings });
  address.leadTo(first.port);
  const url = new URL(first.url('postgres'));
  url.port = String(address.port);
  const ledger = await openLedger(url.href, 'failover');
  await first.stop();
  copyStandby(join(one, name), join(other, name));
  const waitsFor = isSynchronous ? { synchronous_standby_names: '*' } : {};
  const primary = await startPostgres({ folder: one, name, settings: { ...settings, ...waitsFor } });
  const link = await startAddress();
  link.leadTo(primary.port);
  const { user, password } = primary.superuser;
  const source = `host=127.0.0.1 port=${link.port} user=${user} password=${password}`;
  const standby = await startPostgres({ folder: other, name, settings: { ...settings, primary_conninfo: source } });
  closeAfterAll(async () => {
    await standby.stop();
    await primary.stop().catch(() => undefined);
    await Promise.all([address.close(), link.close()]);
  });
  await until(async () => {
    const row = await asked(primary, 'SELECT sync_state FROM pg_stat_replication');
    return row?.['sync_state'] === (isSynchronous ? 'sync' : 'async');
  });
  address.leadTo(primary.port);
  const rig = await makeRig(ledger);
  await putAgents(ledger, [billingBot, readerBot]);
  const gateway = await rig.startGateway({ decorate: { fence: decorated } });
  await untilReady(gateway);
  return { address, link, primary, standby, rig, gateway };
}

describe('a store that fails over to its synchronous standby', () => {
  let rig: Rig;
  let gateway: RunningGateway;
  let primary: PostgresServer;
  let standby: PostgresServer;
  let address: Awaited<ReturnType<typeof startAddress>>;
  beforeAll(async () => {
    ({ rig, gateway, primary, standby, address } = await startPair(true));
  });

  const reminder = async (task: TaskRecord): Promise<Reply> =>
    callTool(gateway, await rig.token(task), 'billing__send_reminder', { invoice_id: 'INV-1' });
  const refund = async (task: TaskRecord): Promise<Reply> =>
    callTool(gateway, await rig.token(task), 'billing__refund_payment', { invoice_id: 'INV-1', cents: 1_200 });

  it('denies while it is away, admits nothing twice, and keeps the stop and the approval that it had acknowledged', async () => {
    const [task, stoppedTask] = [await rig.startTask(), await rig.startTask(readerBot)];
    await until(async () => !(await reminder(task)).isError);
    const approvalId = String((await refund(task)).meta['estop/approvalId']);
    await decideApproval(rig.ledger.as('estop_control'), {
      approvalId,
      decision: 'approved',
      actor: 'anna',
      reason: '',
    });
    expect((await refund(task)).isError).toBe(false);
    const { stopId, epoch } = await stop(rig.ledger, agentKey(readerBot.agentId));

    // Calls go on while the primary is killed, so that some are in the middle of their ADMIT.
    let isOver = false;
    let tries = 0;
    const hammering = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (; !isOver; tries += 1) await reminder(task).catch(() => undefined);
      }),
    );
    await until(() => tries > 20);
    process.kill(primary.pid, 'SIGKILL');
    await primary.exited;
    address.leadTo(undefined);
    await untilNotReady(gateway);
    const before = rig.calls(task).length;
    expect((await reminder(task)).status).toBe(503);
    // A standby that is none yet: it reads, and nothing can be written down.
    address.leadTo(standby.port);
    await until(async () => (await asked(standby, 'SELECT pg_is_in_recovery() AS yes'))?.['yes'] === true);
    expect((await reminder(task)).status).toBe(503);
    expect(rig.calls(task)).toHaveLength(before);

    await asked(standby, 'SELECT pg_promote()');
    address.leadTo(standby.port);
    await untilReady(gateway);
    isOver = true;
    await hammering;
    expect((await reminder(task)).isError).toBe(false);
    // Acknowledged before: in force after.
    expect((await reminder(stoppedTask)).meta).toMatchObject({ 'estop/decision': 'stopped', 'estop/stopId': stopId });
    expect((await refund(task)).meta['estop/decision']).toBe('needs-approval');
    // Whatever reached the target is in the ledger that is the primary now, once; nothing else did.
    const seen = rig.calls(task).map(({ callId }) => callId);
    expect(new Set(seen).size).toBe(seen.length);
    const rows = await rig.ledger.sql('SELECT call_id FROM estop.calls WHERE task_id = $1', [task.taskId]);
    expect(seen.filter((callId) => !rows.some((row) => row['call_id'] === callId))).toEqual([]);
    expect(rig.calls(stoppedTask)).toEqual([]);
    expect((await stop(rig.ledger, agentKey('nobody'))).epoch).toBeGreaterThan(epoch);
  });
});

describe('a store that fails over to an asynchronous standby', () => {
  it('is refused by whoever has seen a stop that is lost there, also when other stops have taken its epoch', async () => {
    let renewals = 0;
    let release: (() => void) | undefined;
    let isHeld = false;
    const believed: boolean[] = [];
    const { address, link, primary, standby, rig, gateway } = await startPair(false, (port) => ({
      ...port,
      renew: (...asked) => port.renew(...asked).finally(() => (renewals += 1)),
      confirm: async (...told) => {
        if (!isHeld) return port.confirm(...told);
        await new Promise<void>((resolve) => (release = resolve));
        const isBelieved = await port.confirm(...told);
        believed.push(isBelieved);
        return isBelieved;
      },
    }));
    const [task, other] = [await rig.startTask(), await rig.startTask(readerBot)];
    const call = async (of: TaskRecord): Promise<Reply> =>
      callTool(gateway, await rig.token(of), 'billing__send_reminder', { invoice_id: 'INV-1' });
    await until(async () => !(await call(task)).isError);
    const tasks = 'SELECT count(*)::int AS tasks FROM estop.tasks';
    await until(async () => (await asked(standby, tasks, 'failover'))?.['tasks'] === 2);
    // From here on nothing reaches the standby any more.
    link.leadTo(undefined);
    await until(async () => (await asked(primary, 'SELECT 1 FROM pg_stat_replication')) === undefined);
    const lost = await stop(rig.ledger, taskKey(task.taskId));
    await untilFenced(rig, lost.stopId);
    // This one as well, and what the gateway says of it is under way while the address moves.
    isHeld = true;
    const alsoLost = await stop(rig.ledger, taskKey('also-lost'));
    await until(async () => release !== undefined);
    const before = rig.calls(task).length;
    process.kill(primary.pid, 'SIGKILL');
    await primary.exited;
    address.leadTo(undefined);
    await untilNotReady(gateway);
    await asked(standby, 'SELECT pg_promote()');
    address.leadTo(standby.port);
    const { epoch } = await stop(rig.ledger, taskKey('somebody-else'));
    expect(epoch).toBe(lost.epoch);
    expect((await stop(rig.ledger, taskKey('one-more'))).epoch).toBe(alsoLost.epoch);
    release?.();
    await until(async () => believed.length > 0);
    expect(believed).toEqual([false]);
    isHeld = false;
    const isJudged = ({ status, body }: Reply) => status === 200 || body['code'] === 'store-restored';
    await until(async () => isJudged(await call(other)));
    expect(await call(task)).toMatchObject({ status: 503, body: { code: 'store-restored' } });
    expect(rig.calls(task)).toHaveLength(before);
    // Nor does it confirm there that it has seen the order which took the epoch of the one that it knows.
    const since = renewals;
    await until(() => renewals > since + 3);
    const [row] = await rig.ledger.sql('SELECT max(confirmed_epoch)::int AS epoch FROM estop.gateways');
    expect(row?.['epoch']).toBeLessThan(epoch);
  });

  it('is told again by a gateway whose confirmation it lost, so that the stop that it kept is fenced', async () => {
    let release: () => void = () => undefined;
    let isHeld = false;
    let renewals = 0;
    const { address, link, primary, standby, rig, gateway } = await startPair(false, (port) => ({
      ...port,
      renew: async (...asked) => {
        const said = await port.renew(...asked);
        if (said.granted) renewals += 1;
        return said;
      },
      confirm: async (...told) => {
        if (isHeld) await new Promise<void>((resolve) => (release = resolve));
        return port.confirm(...told);
      },
    }));
    const task = await rig.startTask();
    isHeld = true;
    const { stopId, epoch } = await stop(rig.ledger, taskKey(task.taskId));
    const newest = 'SELECT max(epoch)::int AS epoch FROM estop.stops';
    await until(async () => (await asked(standby, newest, 'failover'))?.['epoch'] === epoch);
    link.leadTo(undefined);
    await until(async () => (await asked(primary, 'SELECT 1 FROM pg_stat_replication')) === undefined);
    isHeld = false;
    release();
    const confirmed = 'SELECT confirmed_epoch::int AS epoch FROM estop.gateways';
    await until(async () => (await asked(primary, confirmed, 'failover'))?.['epoch'] === epoch);
    process.kill(primary.pid, 'SIGKILL');
    await primary.exited;
    address.leadTo(undefined);
    await untilNotReady(gateway);
    await asked(standby, 'SELECT pg_promote()');
    expect((await asked(standby, confirmed, 'failover'))?.['epoch']).toBeLessThan(epoch);
    address.leadTo(standby.port);
    await untilReady(gateway);
    const since = renewals;
    await until(() => renewals > since + 2);
    await fence(rig.ledger, stopId);
    expect(await rig.ledger.sql('SELECT outcome FROM estop.stop_gateways WHERE stop_id = $1', [stopId])).toEqual([
      { outcome: 'confirmed' },
    ]);
    // And tells nothing more than once.
    const told = () =>
      rig.logLines.filter(({ fields }) => 'event' in fields && fields['event'] === 'fence.confirmed').length;
    const before = told();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(told()).toBe(before);
  });
});
