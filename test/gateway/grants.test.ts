import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentSpec, EstopConfig } from '../../src/contract/config.ts';
import { connectorKey, taskKey } from '../../src/core/scope-key.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { resetStop } from '../../src/store/stops.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { newId, putAgents, startChild, stop } from '../store/ledger.ts';
import { billingBot, makeRig, type Rig, type RunningGateway, readerBot, untilFenced, untilReady } from './rig.ts';

const database = { name: 'database', connector: 'billing-db', lifeMs: 60_000, options: { role: 'reader' } } as const;
const withGrant = (agent: AgentSpec, ...grants: AgentSpec['grants']): AgentSpec => ({ ...agent, grants });
const holder: AgentSpec = { ...withGrant(billingBot, database), mayStart: ['reader-bot'] };
const child = withGrant(readerBot, { ...database, lifeMs: 30_000 });

let rig: Rig;
let gateway: RunningGateway;
/** Done when the ledger has handed one over, before the gateway does. */
let beforeHandOver: () => void = () => undefined;
beforeAll(async () => {
  rig = await makeRig();
  await putAgents(rig.ledger, [holder, child]);
  gateway = await rig.startGateway({
    decorate: {
      ledger: (port) => ({
        ...port,
        handOver: async (...asked) => {
          const said = await port.handOver(...asked);
          beforeHandOver();
          return said;
        },
      }),
    },
  });
  await untilReady(gateway);
});
beforeEach(() => {
  beforeHandOver = () => undefined;
  reload(holder, child);
});
const reload = (...agents: readonly AgentSpec[]): void =>
  rig.configure((config): EstopConfig => ({ ...config, agents }));

/** As the trusted worker mints: sealed under the grant's own id. */
async function mint(task: TaskRecord, sealedFor?: string): Promise<string> {
  const store = rig.ledger.as('estop_trusted');
  const grantId = newId('grant');
  const intent = {
    grantId,
    name: 'database',
    taskId: task.taskId,
    connector: 'billing-db',
    target: 'billing_role_7',
    shared: false,
    handle: {},
    epoch: task.epoch,
    lifeMs: 60_000,
    options: database.options,
  };
  expect((await mintIntend(store, intent)).kind).toBe('intended');
  expect((await mintRecheck(store, grantId)).kind).toBe('issue');
  const sealer = createSealer(openKeyRing(rig.keysFolder, 'seal', 'test'));
  const secret = Buffer.from(JSON.stringify({ user: 'billing_role_7', password: 'canary-of-the-grant' }));
  expect((await mintIssued(store, grantId, sealer.seal(secret, sealedFor ?? grantId))).kind).toBe('issued');
  return grantId;
}

const ask = async (task: TaskRecord, name = 'database'): Promise<Response> =>
  fetch(`${gateway.url}/grants/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await rig.token(task)}` },
  });

describe('a grant', () => {
  it('is handed over to the task it was made for, unsealed, and kept by no cache', async () => {
    const task = await rig.startTask(holder);
    await mint(task);
    const response = await ask(task);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as { readonly absoluteEnd: string };
    expect(body).toMatchObject({
      name: 'database',
      connector: 'billing-db',
      target: 'billing_role_7',
      secret: { user: 'billing_role_7', password: 'canary-of-the-grant' },
    });
    expect(Date.parse(body.absoluteEnd)).toBeGreaterThan(Date.now());
    expect(JSON.stringify(rig.logLines)).not.toContain('canary-of-the-grant');
  });

  it('of another task, or of no name there is, is not found', async () => {
    const [mine, other] = [await rig.startTask(holder), await rig.startTask()];
    await mint(mine);
    expect((await ask(other)).status).toBe(404);
    for (const name of ['nothing', '..%2Fetc', 'UPPER', '']) expect((await ask(mine, name)).status).toBe(404);
  });

  it('needs a token', async () => {
    expect((await fetch(`${gateway.url}/grants/database`, { method: 'POST' })).status).toBe(401);
  });

  it.each([
    ['its task', (task: TaskRecord) => taskKey(task.taskId)],
    ['its connector', () => connectorKey('billing-db')],
  ])('is not handed over under a stop of %s, nor after its reset', async (_what, keyOf) => {
    const task = await rig.startTask(holder);
    await mint(task);
    const { stopId } = await stop(rig.ledger, keyOf(task));
    const before = await ask(task);
    expect(before.status).toBe(409);
    expect(await before.json()).toMatchObject({ code: 'stopped' });
    await untilFenced(rig, stopId);
    expect((await ask(task)).status).toBe(409);
    const reset = await resetStop(rig.ledger.as('estop_control'), { stopId, actor: 'olga', reason: 'over' });
    expect(reset.kind).toBe('reset');
    expect((await ask(task)).status).toBe(409);
  });

  it('is not handed over to a task that has ended or is held', async () => {
    const [ended, held] = [await rig.startTask(holder), await rig.startTask()];
    await mint(ended);
    await mint(held);
    await rig.ledger.sql("SELECT estop.close_tasks(ARRAY[$1], 'done')", [ended.taskId]);
    await rig.ledger.sql('UPDATE estop.tasks SET held = true WHERE task_id = $1', [held.taskId]);
    expect(await (await ask(ended)).json()).toMatchObject({ status: 409, code: 'conflict' });
    expect(await (await ask(held)).json()).toMatchObject({ status: 409, code: 'held' });
  });

  it('whose sealed bytes were moved from another row does not open', async () => {
    const task = await rig.startTask(holder);
    await mint(task, newId('grant'));
    const response = await ask(task);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('canary');
  });
});

describe('a grant that was issued, and that the configuration lists', () => {
  it.each([
    ['no more', withGrant(holder)],
    ['with other options', withGrant(holder, { ...database, options: { role: 'nobody' } })],
    ['with another connector', withGrant(holder, { ...database, connector: 'spare-db' })],
    ['under another name', withGrant(holder, { ...database, name: 'archive' })],
  ])('%s is handed over no more', async (_how, agent) => {
    const task = await rig.startTask(holder);
    await mint(task);
    expect((await ask(task)).status).toBe(200);
    reload(agent, child);
    const response = await ask(task);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain('canary');
    reload(child);
    expect((await ask(task)).status).toBe(404);
    reload(withGrant(holder, { ...database, lifeMs: 1_000 }), child);
    expect((await ask(task)).status).toBe(200);
  });

  it('is handed over to a child for as long as each agent that it works for has the same', async () => {
    const task = await startChild(rig.ledger, await rig.startTask(holder), holder, child);
    await mint(task);
    expect((await ask(task)).status).toBe(200);
    reload(withGrant(holder), child);
    expect((await ask(task)).status).toBe(404);
    reload(child);
    expect((await ask(task)).status).toBe(404);
    reload({ ...withGrant(holder), delegation: 'own' }, child);
    expect((await ask(task)).status).toBe(200);
  });

  it('is not handed over where it was taken out while the ledger was asked', async () => {
    const task = await rig.startTask(holder);
    await mint(task);
    beforeHandOver = () => reload(withGrant(holder), child);
    expect((await ask(task)).status).toBe(404);
  });
});
