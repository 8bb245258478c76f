import { beforeAll, describe, expect, it } from 'vitest';
import { type PolicyFiles, parsePolicySet } from '../../src/policy/parse-set.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { listCalls } from '../../src/store/calls.ts';
import { activatePolicies, activePolicies, listPolicyActivations } from '../../src/store/policies.ts';
import {
  billingBot,
  callTool,
  makeRig,
  type Reply,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilReady,
} from './rig.ts';

const shipped = readPolicyFolder(policiesFolder);
const withTeam = (text: string): PolicyFiles => ({ ...shipped, 'team.cedar': text });
const noReminders = withTeam(`@id("no-reminders") @deny("No reminders this week.")
  forbid (principal, action == Action::"billing/send_reminder", resource);`);

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

const versionOf = (files: PolicyFiles): string => {
  const parsed = parsePolicySet(files);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.set.version;
};
const activate = async (files: PolicyFiles, changes: { actor?: string; twoPeople?: boolean; after?: number } = {}) => {
  const control = rig.ledger.as('estop_control');
  const after = (await activePolicies(control))?.activation ?? 0;
  const wanted = { version: versionOf(files), files, actor: 'anna', reason: 'a test', after, twoPeople: false };
  return activatePolicies(control, { ...wanted, ...changes });
};
const remind = async (agent = billingBot): Promise<Reply> => {
  const task = await rig.startTask(agent);
  return callTool(gateway, await rig.token(task), 'billing__send_reminder', { invoice_id: 'INV-1' });
};

describe('the policies that come with estop', () => {
  it('are in force before any was activated, and every admitted call names the version and the policies that decided', async () => {
    const task = await rig.startTask();
    await callTool(gateway, await rig.token(task), 'billing__get_invoice', { invoice_id: 'INV-1' });
    const { items } = await listCalls(rig.ledger.as('estop_control'), { taskId: task.taskId });
    expect(items[0]).toMatchObject({ policyVersion: versionOf(shipped), policies: ['read-flows'] });
  });

  it('ask a person where only a wildcard allows a tool that acts, and no request was registered', async () => {
    rig.configure((config) => ({
      ...config,
      agents: [billingBot, { ...readerBot, tools: { 'billing/*': 'allow' } }],
    }));
    const asked = await remind(readerBot);
    expect(asked.meta).toMatchObject({ 'estop/decision': 'needs-approval', 'estop/policies': ['untraced'] });
    expect(asked.text).toContain('It is not known whether the user asked for this');
    expect((await remind(billingBot)).isError).toBe(false);
  });
});

describe('a set that is activated', () => {
  it('decides at a running gateway within a renewal, names itself in the refusal, and can be rolled back', async () => {
    await activate(noReminders);
    const refused = await until(async () => {
      const reply = await remind();
      return reply.isError ? reply : undefined;
    });
    expect(refused.text).toContain('No reminders this week.');
    expect(refused.meta).toMatchObject({
      'estop/decision': 'denied',
      'estop/reason': 'denied-by-policy',
      'estop/policies': ['no-reminders'],
    });
    expect((await activate(shipped)).kind).toBe('activated');
    await until(async () => !(await remind()).isError);
  });

  it('is in force at a gateway from its first call on', async () => {
    await activate(noReminders);
    const young = await rig.startGateway();
    await untilReady(young);
    const reply = await callTool(young, await rig.token(await rig.startTask()), 'billing__send_reminder', {
      invoice_id: 'INV-1',
    });
    expect(reply.meta['estop/policies']).toEqual(['no-reminders']);
    await activate(shipped);
    await until(async () => !(await remind()).isError);
  });

  it('that cannot be read as what it is denies everything, loudly, until it can', async () => {
    const { activation } = { activation: 0, ...(await activate(noReminders)) };
    const spoil = (files: PolicyFiles) => async (): Promise<void> => {
      await rig.ledger.sql('ALTER TABLE estop.policy_versions DISABLE TRIGGER policy_versions_stay', []);
      await rig.ledger.sql('UPDATE estop.policy_versions SET files = $2 WHERE version = $1', [
        versionOf(noReminders),
        JSON.stringify(files),
      ]);
      await rig.ledger.sql('ALTER TABLE estop.policy_versions ENABLE TRIGGER policy_versions_stay', []);
    };
    await spoil(shipped)();
    const young = await rig.startGateway();
    await untilReady(young);
    const read = async (): Promise<Reply> =>
      callTool(young, await rig.token(await rig.startTask()), 'billing__get_invoice', { invoice_id: 'INV-1' });
    expect((await read()).meta).toMatchObject({ 'estop/decision': 'denied', 'estop/reason': 'policy-unavailable' });
    expect(rig.logLines.some(({ fields }) => fields['event'] === 'policy.not-loaded')).toBe(true);
    await spoil(noReminders)();
    await until(async () => !(await read()).isError);
    expect(activation).toBeGreaterThan(0);
    await activate(shipped);
    await until(async () => !(await remind()).isError);
  });

  it('is kept for good, and its activation is audited', async () => {
    await expect(rig.ledger.sql("UPDATE estop.policy_versions SET files = '{}'", [])).rejects.toThrow('stays as it is');
    await expect(rig.ledger.sql('DELETE FROM estop.policy_activations', [])).rejects.toThrow('stays as it is');
    const [newest] = await listPolicyActivations(rig.ledger.as('estop_control'), 1);
    expect(newest).toMatchObject({ version: versionOf(shipped), activatedBy: 'anna', reason: 'a test' });
    const audited = await rig.ledger.sql("SELECT kind, actor FROM estop.audit WHERE kind LIKE 'policy.%'", []);
    expect(JSON.stringify(audited)).toContain('policy.activated');
  });

  it('waits for a second person where the configuration wants two, and the same person is not one', async () => {
    const two = { twoPeople: true };
    expect((await activate(noReminders, two)).kind).toBe('needs-second-person');
    expect((await activate(noReminders, two)).kind).toBe('needs-second-person');
    expect((await remind()).isError).toBe(false);
    expect((await activate(noReminders, { ...two, actor: 'bert' })).kind).toBe('activated');
    const [newest] = await listPolicyActivations(rig.ledger.as('estop_control'), 1);
    expect(newest).toMatchObject({ activatedBy: 'bert', secondedBy: 'anna' });
    await activate(shipped);
  });

  it('is refused if somebody else activated another one meanwhile', async () => {
    expect((await activate(noReminders, { after: 0 })).kind).toBe('overtaken');
  });
});
