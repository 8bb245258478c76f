import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { openTaskFlow } from '../../src/control/open-task-flow.ts';
import { type PolicyFiles, parsePolicySet } from '../../src/policy/parse-set.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { listCalls } from '../../src/store/calls.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { everythingTools, startEverythingServer } from './mcp/everything-server.ts';
import { ask, makeModelRig, question, startWriter, writer } from './model/model-rig.ts';
import { billingBot, closeAfterAll, makeRig, untilReady } from './rig.ts';

const shipped = readPolicyFolder(policiesFolder);
const withTeam = (text: string): PolicyFiles => ({ ...shipped, 'team.cedar': text });
const versionOf = (files: PolicyFiles): string => {
  const parsed = parsePolicySet(files);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.set.version;
};

describe('policies and models', () => {
  it('deny a model before its provider is asked, name themselves, and leave the others alone', async () => {
    const policies = withTeam(`@id("not-gpt") @deny("Not this model.")
      forbid (principal in Label::"team=none", action, resource);
      @id("not-compatible") @deny("Not this provider.")
      forbid (principal, action == Action::"model", resource) when { resource.provider == "openai-compatible" };`);
    const bed = await makeModelRig({ policies });
    const { task, token } = await startWriter(bed);
    const refused = await ask(bed, token, { ...question, model: 'compatible' });
    expect([refused.status, refused.code]).toEqual([403, 'denied-by-policy']);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { policies: ['not-compatible'] } });
    expect(refused.text).toContain('Not this provider.');
    expect(bed.provider.asked).toEqual([]);
    expect((await ask(bed, token, question)).status).toBe(200);
    const { items } = await listCalls(bed.rig.ledger.as('estop_control'), { taskId: task.taskId });
    expect(items).toMatchObject([{ policyVersion: versionOf(policies), policies: ['listed-model'] }]);
  });

  it('deny a model to a task of which nobody knows what it has read, where they want to know it', async () => {
    const policies = withTeam(`@id("home") @deny("Private data stays here.")
      forbid (principal, action == Action::"model", resource) when { context.reads.private };`);
    const bed = await makeModelRig({ policies });
    const { task, token } = await startWriter(bed);
    expect(JSON.parse((await ask(bed, token, question)).text)).toMatchObject({ error: { policies: ['home'] } });
    expect(bed.provider.asked).toEqual([]);
    const traced = await startWriter(bed);
    expect(traced.task.taskId).not.toBe(task.taskId);
    const flowKeys = createFlowKeys(openKeyRing(bed.rig.keysFolder, 'flow', 'test'));
    const opened = { taskId: traced.task.taskId, agent: writer, request: 'How is the weather?' };
    await openTaskFlow({ store: bed.rig.ledger.as('estop_control'), flowKeys }, opened);
    expect((await ask(bed, traced.token, question)).status).toBe(200);
  });
});

describe('policies and what a server has besides its tools', () => {
  const whole: AgentSpec = { ...billingBot, tools: { 'everything/*': 'allow', 'other/*': 'allow' } };

  it('decide about resources, prompts and completion, and lists leave out a server that they refuse', async () => {
    const rig = await makeRig();
    const [server, other] = [await startEverythingServer(), await startEverythingServer()];
    closeAfterAll(async () => void (await Promise.all([server.stop(), other.stop()])));
    const tiers = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));
    rig.configure((config) => ({
      ...config,
      agents: [whole],
      toolServers: [
        { serverId: 'everything', url: server.url, tiers },
        { serverId: 'other', url: other.url, tiers },
      ],
    }));
    const policies =
      withTeam(`@id("watched") @deny("Nobody watches.") forbid (principal, action in [Action::"resource", Action::"subscription"], resource)
      when { context.name == "test://watched-resource" };
      @id("not-other") @deny("Not there.") forbid (principal, action == Action::"resource", resource == Server::"other");
      @id("no-prompts") @deny("No prompts.") forbid (principal, action == Action::"prompt", resource) when { context.method == "prompts/get" };
      @id("no-guesses") @deny("No guesses.") forbid (principal, action == Action::"completion", resource);`);
    const gateway = await rig.startGateway({ policies });
    await untilReady(gateway);
    const connect = async (task: TaskRecord, path: string): Promise<Client> => {
      const requestInit = { headers: { authorization: `Bearer ${await rig.token(task)}` } };
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
      await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), { requestInit }));
      closeAfterAll(() => client.close().catch(() => undefined));
      return client;
    };
    const task = await rig.startTask(whole);
    const [one, all] = [await connect(task, '/mcp/everything'), await connect(task, '/mcp')];
    const refusal = (asking: Promise<unknown>) =>
      asking.then(
        () => 'it was answered',
        (error: { readonly data?: unknown }) => error.data,
      );
    const by = (policy: string) => ({ 'estop/reason': 'denied-by-policy', 'estop/policies': [policy] });
    expect(JSON.stringify(await one.readResource({ uri: 'test://static-text' }))).toContain('static text');
    expect(await refusal(one.readResource({ uri: 'test://watched-resource' }))).toMatchObject(by('watched'));
    expect(await refusal(one.getPrompt({ name: 'test_simple_prompt' }))).toMatchObject(by('no-prompts'));
    const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' } as const;
    const guess = one.complete({ ref, argument: { name: 'arg1', value: 'pa' } });
    expect(await refusal(guess)).toMatchObject(by('no-guesses'));
    const listed = (await all.listResources()).resources.map(({ uri }) => uri.split('+')[0]);
    expect([...new Set(listed)]).toEqual(['mcp.everything']);
    const alone = await connect(task, '/mcp/other');
    expect(await refusal(alone.listResources())).toMatchObject(by('not-other'));
    expect((await all.listPrompts()).prompts.length).toBeGreaterThan(0);
    const { items } = await listCalls(rig.ledger.as('estop_control'), { taskId: task.taskId });
    expect(items.map(({ toolKey, policies: ids }) => [toolKey, ids])).toEqual([
      ['tool:everything/resources.read', ['listed-reading']],
    ]);
  });
});
