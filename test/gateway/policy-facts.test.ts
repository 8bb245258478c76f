import { beforeAll, describe, expect, it } from 'vitest';
import type { PolicyFiles } from '../../src/policy/parse-set.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { taskStanding } from '../../src/store/spent.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { startChild } from '../store/ledger.ts';
import { ask, makeModelRig, price, question, startWriter } from './model/model-rig.ts';
import { billingBot, callTool, makeRig, type Reply, type Rig, type RunningGateway, until, untilReady } from './rig.ts';

const shipped = readPolicyFolder(policiesFolder);
const withTeam = (text: string): PolicyFiles => ({ ...shipped, 'team.cedar': text });
const deny = (id: string, when: string): PolicyFiles =>
  withTeam(`@id("${id}") @deny("No.") forbid (principal, action, resource) when { ${when} };`);

let rig: Rig;
beforeAll(async () => {
  rig = await makeRig();
});
const gatewayWith = async (policies: PolicyFiles): Promise<RunningGateway> => {
  const gateway = await rig.startGateway({ policies });
  await untilReady(gateway);
  return gateway;
};
const read = async (gateway: RunningGateway, task: TaskRecord): Promise<Reply> =>
  callTool(gateway, await rig.token(task), 'billing__get_invoice', { invoice_id: 'INV-1' });
const policiesOf = ({ meta }: Reply): unknown => meta['estop/policies'];

describe('what policies are told of a task', () => {
  it('is what it was started for, and an agent cannot say it anew for a child', async () => {
    const gateway = await gatewayWith(deny('off-task', 'context.purpose != "a test"'));
    const task = await rig.startTask();
    expect((await read(gateway, task)).isError).toBe(false);
    const own = { ...billingBot, mayStart: [billingBot.agentId] };
    const child = await startChild(rig.ledger, task, own, own);
    expect((await read(gateway, child)).isError).toBe(false);
    const children = await gatewayWith(deny('child', 'context.purpose == "a child"'));
    expect((await read(children, child)).isError).toBe(false);
    const strict = await gatewayWith(deny('off-task', 'context.purpose == "a test"'));
    expect(policiesOf(await read(strict, child))).toEqual(['off-task']);
  });

  it('is what it has spent, within seconds, at another gateway too, and what its agent has spent', async () => {
    const calls = (count: number): PolicyFiles => deny('enough', `context.spend.task.calls >= ${count}`);
    const gateway = await gatewayWith(calls(3));
    const task = await rig.startTask();
    for (let call = 0; call < 3; call += 1) expect((await read(gateway, task)).isError).toBe(false);
    const held = await until(async () => {
      const reply = await read(gateway, task);
      return reply.isError && reply;
    });
    expect(policiesOf(held)).toEqual(['enough']);
    const other = await gatewayWith(calls(3));
    expect(policiesOf(await read(other, task))).toEqual(['enough']);
    const young = await rig.startTask();
    expect((await read(other, young)).isError).toBe(false);
    const { agent } = (await taskStanding(rig.ledger.as('estop_gateway'), young.taskId)) ?? {};
    expect(agent?.calls).toBeGreaterThanOrEqual(3);
    const whole = await gatewayWith(deny('all', 'context.spend.agent.calls >= 3'));
    expect(policiesOf(await read(whole, await rig.startTask()))).toEqual(['all']);
  });

  it('is the environment and the time', async () => {
    const task = await rig.startTask();
    const here = await gatewayWith(deny('here', 'context.environment == "test"'));
    expect(policiesOf(await read(here, task))).toEqual(['here']);
    const now = Math.floor(Date.now() / 1_000);
    const late = await gatewayWith(deny('late', `context.time.epoch >= ${now} && context.time.epoch < ${now + 3_600}`));
    expect(policiesOf(await read(late, task))).toEqual(['late']);
  });

  it('denies where it cannot be read and a policy looks at it, and nowhere else', async () => {
    const looking = await gatewayWith(deny('enough', 'context.spend.task.calls >= 1000'));
    const blind = await gatewayWith(shipped);
    await rig.ledger.sql('REVOKE EXECUTE ON FUNCTION estop.task_standing(text) FROM estop_gateway', []);
    const task = await rig.startTask();
    expect(policiesOf(await read(looking, task))).toEqual(['gate.failed']);
    expect((await read(blind, task)).isError).toBe(false);
    await rig.ledger.sql('GRANT EXECUTE ON FUNCTION estop.task_standing(text) TO estop_gateway', []);
    expect((await read(looking, task)).isError).toBe(false);
  });
});

it('a model’s tokens and cents count, a part of a cent as one', async () => {
  const policies = deny('dear', 'context.spend.task.cents >= 1 && context.spend.task.tokens > 0');
  const bed = await makeModelRig({ policies });
  const { task, token } = await startWriter(bed);
  expect((await ask(bed, token, question)).status).toBe(200);
  const refused = await until(async () => {
    const answer = await ask(bed, token, question);
    return answer.status === 403 && answer;
  });
  expect(JSON.parse(refused.text)).toMatchObject({ error: { policies: ['dear'] } });
  await until(async () => {
    const spent = await taskStanding(bed.rig.ledger.as('estop_gateway'), task.taskId);
    return spent?.task.calls === bed.provider.asked.length && spent.task.microcents >= price.input;
  });
});
