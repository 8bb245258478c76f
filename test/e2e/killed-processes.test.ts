import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeProtectedHeader } from 'jose';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cast } from '../../examples/demo/cast.ts';
import { openUse } from '../../examples/demo/hijacked-use.ts';
import { fetchLoot } from '../../examples/demo/loot.ts';
import type { Task } from '../../src/contract/http/tasks.ts';
import type { ObligationState } from '../../src/contract/stop.ts';
import type { ProcessName } from '../../src/runtime/installation/installation.ts';
import { keyPurposes, rotateKey } from '../../src/runtime/keys/key-ring.ts';
import { newStopId } from '../../src/sdk/stops.ts';
import { freezePostgres } from '../kit/freeze-postgres.ts';
import { listInvoices, startArmedTask, startStage, until, untilReached } from './stage.ts';

let cast: Cast;
/** Its owner's own look into the database that the agents have roles in. */
let target: Client;
beforeAll(async () => {
  cast = await startStage();
  target = new Client({ connectionString: cast.world.database.server.url('billing') });
  await target.connect();
}, 120_000);
afterAll(async () => {
  await target?.end();
  await cast?.stop();
}, 60_000);

function kill(name: ProcessName): void {
  process.kill(cast.installation.processes.get(name)?.pid() ?? 0, 'SIGKILL');
}
const startAgain = async (name: ProcessName): Promise<void> => cast.installation.processes.get(name)?.start();

async function refused(system: string, secret: Parameters<typeof openUse>[1]): Promise<boolean> {
  try {
    const use = await openUse(system, secret);
    await use.once();
    await use.close();
    return false;
  } catch {
    return true;
  }
}

describe('a stop', () => {
  it.each<readonly [ProcessName, ProcessName]>([
    ['control', 'control-worker'],
    ['gateway', 'agent-worker'],
  ])(
    'is latched and proved although %s and %s are killed the moment it is sent',
    async (...names) => {
      const { taskId, childId, loot, token } = await startArmedTask(cast);
      const stopId = newStopId('dev');
      const sending = cast.operator.stops.stop(
        { task: taskId },
        { stopId, reason: `kill -9 of ${names.join(' and ')}` },
      );
      names.forEach(kill);
      expect((await sending).state).toBe('latched');
      await Promise.all(names.map(startAgain));
      const view = await untilReached(cast.operator, stopId, 'proved');
      expect(view.obligations.total).toBe(5);
      expect(view.lanes.map((lane) => lane.state)).toEqual(Array(5).fill('proved'));
      expect(view.tasks).toEqual({ covered: 2, halted: 2 });
      for (const item of loot) expect(await refused(item.system, item.secret), item.label).toBe(true);
      await until(
        'the gateway',
        async () => (await fetch(`${cast.installation.profile.gatewayUrl}/readyz`).catch(() => undefined))?.ok,
      );
      expect(await listInvoices(cast, token)).toBe(false);
      for (const id of [taskId, childId]) expect((await cast.service.tasks.get(id)).state).toBe('closed');
    },
    150_000,
  );

  it('loses nothing acknowledged when the stop process is killed right after its answer', async () => {
    const { taskId } = await startArmedTask(cast);
    const receipt = await cast.operator.stops.stop({ task: taskId });
    kill('stop');
    expect(receipt.state).toBe('latched');
    await startAgain('stop');
    expect((await untilReached(cast.operator, receipt.stopId, 'proved')).stopId).toBe(receipt.stopId);
  }, 120_000);

  it('is proved with the old credentials although every key was rotated while its task ran; what starts afterwards is, too', async () => {
    const first = await startArmedTask(cast);
    const kids = keyPurposes.map((purpose) => rotateKey(join(cast.installation.stateFolder, 'keys'), purpose));
    const renewed = await until('a token by the new key', async () => {
      const { token } = await cast.operator.tasks.token(first.taskId);
      return kids.some((kid) => decodeProtectedHeader(token).kid === kid) ? token : undefined;
    });
    const second = await startArmedTask(cast);
    for (const token of [first.token, renewed, second.token]) expect(await listInvoices(cast, token)).toBe(true);
    // The child has waited for a person since before; what it said then is read, and it goes on with a token of now.
    const asked = await until('the call that waits', async () =>
      (await cast.operator.approvals.list({ state: 'pending' })).items.find((one) => one.taskId === first.childId),
    );
    await cast.operator.approvals.deny(asked.approvalId);
    await until('the child to think on', async () =>
      cast.world.model.requests().some((request) => JSON.stringify(request).includes('The approval was denied.')),
    );
    const stopIds = await Promise.all(
      [first, second].map(async ({ taskId }) => (await cast.operator.stops.stop({ task: taskId })).stopId),
    );
    for (const stopId of stopIds)
      expect(await untilReached(cast.operator, stopId, 'proved')).toMatchObject({
        evidence: 'credential-probed',
        obligations: { total: 5, proved: 5 },
      });
  }, 150_000);

  it('is reset while one of its lanes still hangs; a new task gets its own credential there, which the old cut never touches', async () => {
    const { taskId, loot } = await startArmedTask(cast);
    await cast.world.oauthProxy.addToxic('hang', { type: 'timeout', timeout: 0 });
    const crmOf = async (stopId: string) =>
      (await cast.operator.stops.get(stopId)).lanes.find((lane) => lane.connector === 'crm' && lane.taskId === taskId);
    let stopId = '';
    let next: Task;
    try {
      stopId = (await cast.operator.stops.stop({ agent: 'billing-bot' })).stopId;
      for (const stage of ['fenced', 'halted'] as const) await untilReached(cast.operator, stopId, stage);
      await cast.operator.stops.reset(stopId, { reason: 'a test' });
      next = await cast.service.tasks.start({ agentId: 'billing-bot', prompt: 'x' });
      await until('the lane to hang', async () => (await crmOf(stopId))?.phase);
      expect(await crmOf(stopId)).toMatchObject({ state: 'open', revokedAt: null });
    } finally {
      await cast.world.oauthProxy.removeToxic('hang');
    }
    const [fresh] = await fetchLoot(cast, next, ['crm']);
    await untilReached(cast.operator, stopId, 'proved');
    for (const item of loot) expect(await refused(item.system, item.secret), item.label).toBe(true);
    expect(await refused('oauth', fresh?.secret ?? {})).toBe(false);
    await cast.operator.stops.stop({ task: next.taskId });
  }, 150_000);

  it('is lost by nobody once it is accepted, the store frozen and then crashed, the stop process dead, the relay suspended: nothing it covers gets through before it is latched', async () => {
    const { taskId, token } = await startArmedTask(cast);
    expect(await listInvoices(cast, token)).toBe(true);
    const arrived = (): number => cast.world.tools.calls().filter((call) => call.taskId === taskId).length;
    const gatewayWaitsFor = async (): Promise<unknown> => {
      const answer = await fetch(`${cast.installation.profile.gatewayUrl}/readyz`);
      return ((await answer.json()) as { readonly why?: string }).why;
    };
    const stopId = newStopId('dev');
    const { postgres } = cast.installation;
    const ask = async (sql: string) => {
      const store = new Client({ connectionString: postgres.url('estop_dev') });
      store.on('error', () => undefined);
      await store.connect();
      return (await store.query(sql).finally(() => store.end())).rows as readonly Record<string, unknown>[]; // of pg
    };
    const frozen = await freezePostgres(postgres.pid, ask);
    try {
      expect((await cast.operator.stops.stop({ task: taskId }, { stopId })).state).toBe('accepted');
      await until('the lease to end', async () => (await gatewayWaitsFor()) === 'no-lease');
      kill('stop');
      frozen.endSessionsOf(/^estop-stop/);
      const whenLost = arrived();
      await whileSuspended('control-worker', async () => {
        frozen.crash();
        await startAgain('stop');
        // A renewal that had been sent may be answered before the store goes down and recovers.
        await until('the store', async () => (await ask('SELECT 1').catch(() => [])).length > 0);
        await until('a lease that waits for the intake', async () => (await gatewayWaitsFor()) === 'draining');
        for (let call = 0; call < 20; call += 1) expect(await listInvoices(cast, token)).toBe(false);
        expect((await ask('SELECT stop_id FROM estop.stops')).map((row) => row['stop_id'])).not.toContain(stopId);
      });
      await untilReached(cast.operator, stopId, 'proved');
      await until('the gateway', async () => (await gatewayWaitsFor()) === undefined);
      expect(await listInvoices(cast, token)).toBe(false);
      expect(arrived()).toBe(whenLost);
    } finally {
      frozen.thaw();
    }
  }, 150_000);
});

/** But for the identities that proofs are held against. */
async function mayLogIn(): Promise<readonly string[]> {
  const roles = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname !~ '_control_'";
  return (await target.query<{ rolname: string }>(roles)).rows.map(({ rolname }) => rolname);
}

/** The tokens that the OAuth server gave to agents since then, by its own account. */
const mintedSince = (at: number) => {
  const { controlClient, minted } = cast.world.oauth;
  return minted().filter((one) => one.at >= at && one.clientId !== controlClient.clientId);
};

async function opens(token: string): Promise<boolean> {
  const { status } = await fetch(cast.world.oauth.resourceUrl, { headers: { authorization: `Bearer ${token}` } });
  return status === 200;
}

/** What `act` does, this process sees no sooner than it is over. */
/** With the OAuth server: `attemptMs` of its connector and some. */
const longerThanPatience = 6_000;

async function whileSuspended<Result>(name: ProcessName, act: () => Promise<Result>): Promise<Result> {
  const pid = cast.installation.processes.get(name)?.pid() ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    return await act();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** Two issuers that answer when we like: the OAuth server hangs, and the database makes no role. Until both have been asked. */
async function startMinting(): Promise<{ readonly taskId: string; letThemAnswer(): Promise<void> }> {
  await cast.world.oauthProxy.addToxic('hang', { type: 'timeout', timeout: 0 });
  await target.query('BEGIN; LOCK TABLE pg_authid IN SHARE MODE');
  const { taskId } = await cast.service.tasks.start({ agentId: 'billing-bot', prompt: 'x' });
  await until('both issuers to be asked', async () => {
    const { entries } = await cast.service.tasks.history(taskId);
    const intended = entries.filter(({ kind }) => kind === 'grant.intended').map(({ what }) => what);
    const waiting = "SELECT FROM pg_locks WHERE relation = 'pg_authid'::regclass AND NOT granted";
    return ((await target.query(waiting)).rowCount ?? 0) >= 2 && intended.some((what) => what.includes('crm'));
  });
  const letThemAnswer = async () => {
    await target.query('COMMIT');
    await cast.world.oauthProxy.removeToxic('hang');
  };
  return { taskId, letThemAnswer };
}

const settledLanes = (stopId: string, settled: readonly ObligationState[] = ['proved', 'residual']) =>
  until('every lane to be settled', async () => {
    const { lanes } = await cast.operator.stops.get(stopId);
    return lanes.length > 0 && lanes.every(({ state }) => settled.includes(state)) ? lanes : undefined;
  });
/** What one of our own checks of the issuer makes lives for a moment. What nobody knows of would live for much longer than is waited here. */
const untilNothingOpens = (begun: number) =>
  until('no token to open anything', async () => {
    const opening = await Promise.all(mintedSince(begun).map(({ token }) => opens(token)));
    return !opening.includes(true);
  });

describe('a worker that is killed, or suspended, between recording and issuing a grant', () => {
  it('leaves nothing that could still be made where its name is held, and what has an end elsewhere, when it is killed', async () => {
    const begun = Date.now();
    const before = await mayLogIn();
    const { taskId, letThemAnswer } = await startMinting();
    kill('trusted-worker');
    const { stopId } = await cast.operator.stops.stop({ task: taskId });
    await letThemAnswer();
    await startAgain('trusted-worker');
    await untilReached(cast.operator, stopId, 'revoked');
    const lanes = await settledLanes(stopId);
    const stateOf = (one: string) => new Set(lanes.filter((lane) => lane.connector === one).map((lane) => lane.state));
    for (const held of ['billing-db', 'refund-queue']) expect(stateOf(held), held).toEqual(new Set(['proved']));
    // Clients of OAuth are named by their server: of what was never answered nothing is known before its absolute end.
    expect(stateOf('crm')).toEqual(new Set(['residual']));
    for (const lane of lanes.filter(({ connector }) => connector === 'crm')) {
      expect(Date.parse(lane.residual?.until ?? '')).toBeGreaterThan(Date.now());
      expect(lane.lastError).toBeNull();
    }
    expect((await mayLogIn()).filter((role) => !before.includes(role))).toEqual([]);
    await untilNothingOpens(begun);
  }, 120_000);

  it('hands nothing over when it wakes after the stop, and what its issuers made of it opens nothing', async () => {
    const begun = Date.now();
    const before = await mayLogIn();
    const { taskId, letThemAnswer } = await startMinting();
    const stopId = await whileSuspended('trusted-worker', async () => {
      await letThemAnswer();
      const sent = await cast.operator.stops.stop({ task: taskId });
      await untilReached(cast.operator, sent.stopId, 'halted');
      await sleep(longerThanPatience);
      return sent.stopId;
    });
    await expect(cast.operator.tasks.token(taskId)).rejects.toMatchObject({
      code: expect.stringMatching(/stopped|conflict/),
    });
    // What was asked of the issuers is known to nobody else: residual meanwhile, until the worker, woken after its patience with them,
    // has still read their answers.
    const lanes = await settledLanes(stopId, ['proved']);
    expect(new Set(lanes.map((lane) => lane.connector))).toEqual(
      new Set(['billing-db', 'crm', 'refund-queue', 'scheduler']),
    );
    expect((await mayLogIn()).filter((role) => !before.includes(role))).toEqual([]);
    await untilNothingOpens(begun);
    await untilReached(cast.operator, stopId, 'proved');
  }, 120_000);
});
