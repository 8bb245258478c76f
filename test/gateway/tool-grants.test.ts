import { beforeAll, beforeEach, expect, it } from 'vitest';
import { connectorKey } from '../../src/core/scope-key.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { newId, stop } from '../store/ledger.ts';
import { type HostileUpstream, startHostileUpstream } from './hostile-upstream.ts';
import {
  billingBot,
  callTool,
  closeAfterAll,
  makeRig,
  type Rig,
  type RunningGateway,
  until,
  untilFenced,
  untilReady,
} from './rig.ts';

/**
 * Each was taken out once: the connector's key in ADMIT and in the fence (credentialKeys in both), `kept.` and no-text fields, the
 * connector of the grant, isName in hand-over.ts.
 */
let rig: Rig;
let gateway: RunningGateway;
let upstream: HostileUpstream;
const seen: string[] = [];
const admissions: string[] = [];
const agent = { ...billingBot, tools: { 'crm/act': 'allow' } } as const;
/** Done right before ADMIT is asked. */
let beforeAdmit: () => Promise<void> = async () => undefined;
let connector = 0;

beforeAll(async () => {
  rig = await makeRig();
  upstream = await startHostileUpstream();
  closeAfterAll(() => upstream.stop());
  gateway = await rig.startGateway({
    grantWaitMs: 300,
    decorate: {
      ledger: (port) => ({
        ...port,
        admit: async (request) => {
          await beforeAdmit();
          const decision = await port.admit(request);
          admissions.push(decision.kind);
          return decision;
        },
      }),
    },
  });
  await untilReady(gateway);
});
beforeEach(() => {
  seen.length = 0;
  beforeAdmit = async () => undefined;
  // Another one for each test: a stop of it stays in force.
  connector += 1;
  upstream.misbehave = (response, { id, request }) => {
    seen.push(request.headers.authorization ?? '');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'done' }] } }));
  };
  const grant = { connector: name(), field: 'accessToken', lifeMs: 60_000, options: {} };
  rig.configure((config) => ({
    ...config,
    agents: [agent],
    toolServers: [{ serverId: 'crm', url: upstream.url, grant }],
  }));
});
const name = (): string => `crm-${connector}`;

async function mint(
  task: TaskRecord,
  secret: object,
  through = name(),
  called = 'tool:crm',
  options: object = {},
): Promise<void> {
  const store = rig.ledger.as('estop_trusted');
  const grantId = newId('grant');
  const { taskId, epoch } = task;
  const intent = {
    grantId,
    name: called,
    taskId,
    connector: through,
    target: 't',
    shared: false,
    handle: {},
    epoch,
    options,
  };
  expect((await mintIntend(store, { ...intent, lifeMs: 60_000 })).kind).toBe('intended');
  expect((await mintRecheck(store, grantId)).kind).toBe('issue');
  const sealer = createSealer(openKeyRing(rig.keysFolder, 'seal', 'test'));
  expect((await mintIssued(store, grantId, sealer.seal(Buffer.from(JSON.stringify(secret)), grantId))).kind).toBe(
    'issued',
  );
}
const act = async (task: TaskRecord) => {
  const token = await rig.token(task);
  return until(async () => {
    const reply = await callTool(gateway, token, 'crm__act', {});
    return reply.meta['estop/reason'] === 'tool-not-available' ? undefined : reply;
  });
};

it('a call is made with the grant of its own task, which the agent cannot fetch by any name', async () => {
  const [task, other] = [await rig.startTask(agent), await rig.startTask(agent)];
  await mint(task, { accessToken: 'canary-mine' });
  await mint(other, { accessToken: 'canary-other' });
  expect((await act(task)).text).toBe('done');
  expect(seen).toEqual(['Bearer canary-mine']);
  const headers = { authorization: `Bearer ${await rig.token(task)}` };
  for (const path of ['tool:crm', 'tool%3Acrm', 'tool%3acrm', 'tool'])
    expect((await fetch(`${gateway.url}/grants/${path}`, { method: 'POST', headers })).status, path).toBe(404);
});

it.each([
  ['has no such part', { other: 'canary' }],
  ['has a part that is no text', { accessToken: 7 }],
  ['has a part that is two lines', { accessToken: 'canary\r\nx-admin: yes' }],
])('a grant that %s is not used', async (_what, secret) => {
  const task = await rig.startTask(agent);
  await mint(task, secret);
  expect((await act(task)).meta['estop/reason']).toBe('credential-unavailable');
  expect(seen).toEqual([]);
});

it('a grant that another connector issued, or for other options than are listed now, is not used', async () => {
  const [other, wider] = [await rig.startTask(agent), await rig.startTask(agent)];
  await mint(other, { accessToken: 'canary' }, 'elsewhere');
  expect((await act(other)).meta['estop/reason']).toBe('credential-unavailable');
  await mint(wider, { accessToken: 'canary' }, name(), 'tool:crm', { scope: 'everything' });
  expect((await act(wider)).meta['estop/reason']).toBe('credential-unavailable');
  expect(seen).toEqual([]);
});

it('a grant that nobody issues in time denies, and spends nothing', async () => {
  const task = await rig.startTask(agent);
  expect((await act(task)).meta['estop/reason']).toBe('grant-not-issued');
  expect(await rig.ledger.sql('SELECT 1 FROM estop.calls WHERE task_id = $1', [task.taskId])).toEqual([]);
});

it('a stop of its connector between the hand-over and ADMIT is seen by ADMIT', async () => {
  const task = await rig.startTask(agent);
  await mint(task, { accessToken: 'canary' });
  await act(task);
  seen.length = 0;
  beforeAdmit = async () => {
    beforeAdmit = async () => undefined;
    await stop(rig.ledger, connectorKey(name()));
  };
  const reply = await act(task);
  expect(reply.meta['estop/decision']).toBe('stopped');
  expect([seen, admissions.at(-1)]).toEqual([[], 'stopped']);
});

it('a stop of its connector cuts a call that is under way', async () => {
  const task = await rig.startTask(agent);
  await mint(task, { accessToken: 'canary' });
  upstream.misbehave = (_response, { id }) => void seen.push(id);
  const replying = act(task);
  await until(() => seen.length > 0);
  await stop(rig.ledger, connectorKey(name()));
  const reply = await replying;
  expect([reply.meta['estop/decision'], reply.meta['estop/reason']]).toEqual(['stopped', 'possibly-completed']);
  await until(() => upstream.abandoned.length > 0);
});

it.each([
  ['its connector', () => connectorKey(name())],
  ['its tool', () => 'tool:crm/act'],
])('no grant is asked for while %s is stopped', async (_what, key) => {
  // Its tool stays stopped, so that this is the last of them.
  const task = await rig.startTask(agent);
  await untilFenced(rig, (await stop(rig.ledger, key())).stopId);
  expect((await act(task)).meta['estop/decision']).toBe('stopped');
  expect(await rig.ledger.sql('SELECT name FROM estop.grant_wants WHERE task_id = $1', [task.taskId])).toEqual([]);
});
