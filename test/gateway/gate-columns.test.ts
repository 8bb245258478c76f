import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { openTaskFlow } from '../../src/control/open-task-flow.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { newId, stop } from '../store/ledger.ts';
import { freezePeriod, frozenPeriod, period } from './frozen-period.ts';
import { everythingTools, startEverythingServer } from './mcp/everything-server.ts';
import { type ModelRig, makeModelRig, question } from './model/model-rig.ts';
import { billingBot, closeAfterAll, envelope, until } from './rig.ts';

/** May use whatever the gate has a column for. */
const allRounder: AgentSpec = {
  ...billingBot,
  agentId: 'all-rounder',
  labels: {},
  tools: { 'everything/*': 'allow', 'everything/test_simple_text': 'allow' },
  resources: ['everything/test://static-text'],
  prompts: ['everything/test_simple_prompt', 'everything/test_prompt_with_arguments'],
  model: 'gpt',
  grants: [{ name: 'database', connector: 'billing-db', lifeMs: 60_000, options: {} }],
};
/** May use nothing of it. */
const bystander: AgentSpec = {
  ...allRounder,
  agentId: 'bystander',
  tools: {},
  resources: [],
  prompts: [],
  model: '',
  grants: [],
};

let bed: ModelRig;

beforeAll(async () => {
  bed = await makeModelRig({ decorate: { fence: frozenPeriod } });
  const server = await startEverythingServer();
  closeAfterAll(() => server.stop());
  const tiers = Object.fromEntries(everythingTools.map((tool) => [tool, 'read' as const]));
  await bed.addAgent(allRounder);
  await bed.addAgent(bystander);
  bed.rig.configure((config) => ({
    ...config,
    toolServers: [...config.toolServers, { serverId: 'everything', url: server.url, tiers }],
  }));
  const task = await bed.rig.startTask(allRounder);
  const asked = [columns['tool-call'], columns['tool-list'], columns.prompt];
  let looks = 0;
  // Each of them may be what is broken: two must work, and the third is waited for a while.
  await until(async () => {
    const said = await Promise.all(asked.map((ask) => ask(task)));
    return said.filter((one) => one === 'served').length >= ((looks += 1) < 100 ? 3 : 2);
  });
  await until(async () => period.beats > 0); // they are known by the name of their method
});
afterEach(() => {
  period.isFrozen = false;
});

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const bearer = async (task: TaskRecord) => ({ authorization: `Bearer ${await bed.rig.token(task)}` });

/** `served`, or what was answered instead. */
type Outcome = string;
type Ask = (task: TaskRecord) => Promise<Outcome>;

/** One request of the newest revision. `mark`: what is in the answer if it was served. */
const modern =
  (method: string, params: Readonly<Record<string, unknown>>, mark: string): Ask =>
  async (task) => {
    const name = params['name'] ?? params['uri'];
    const response = await fetch(`${bed.gateway.url}/mcp/everything`, {
      method: 'POST',
      headers: {
        ...json,
        ...(await bearer(task)),
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: envelope } }),
    });
    return served(response, mark);
  };

/** As far as it is needed: a stream has no end. */
async function served(response: Response, mark: string): Promise<Outcome> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece as Uint8Array, { stream: true }); // a body gives bytes
    if (text.includes(mark)) return 'served';
  }
  return `${response.status} ${text}`;
}

async function initialize(task: TaskRecord, authorization?: string): Promise<Response> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 't', version: '1' },
  };
  return fetch(`${bed.gateway.url}/mcp/everything`, {
    method: 'POST',
    headers: { ...json, ...(authorization === undefined ? await bearer(task) : { authorization }) },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
}

async function mint(task: TaskRecord): Promise<void> {
  const store = bed.rig.ledger.as('estop_trusted');
  const grantId = newId('grant');
  const { taskId, epoch } = task;
  const intent = {
    grantId,
    name: 'database',
    taskId,
    connector: 'billing-db',
    target: `role_${taskId}`,
    shared: false,
  };
  expect((await mintIntend(store, { ...intent, handle: {}, options: {}, epoch, lifeMs: 60_000 })).kind).toBe(
    'intended',
  );
  expect((await mintRecheck(store, grantId)).kind).toBe('issue');
  const sealer = createSealer(openKeyRing(bed.rig.keysFolder, 'seal', 'test'));
  await mintIssued(store, grantId, sealer.seal(Buffer.from('{"password":"given"}'), grantId));
}

/** `shown`: with what the answer itself comes. */
async function answerAsked(
  task: TaskRecord,
  shown: () => Promise<string> = () => bed.rig.token(task),
): Promise<Outcome> {
  const headers = { ...json, ...(await bearer(task)) };
  const sessionId = (await initialize(task)).headers.get('mcp-session-id') ?? '';
  const say = (message: object, signal?: AbortSignal, token?: string): Promise<Response> =>
    fetch(`${bed.gateway.url}/mcp/everything`, {
      method: 'POST',
      headers: {
        ...headers,
        'mcp-session-id': sessionId,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      ...(signal === undefined ? {} : { signal }),
    });
  const asked = await fetch(`${bed.gateway.url}/mcp/everything`, {
    headers: { ...headers, 'mcp-session-id': sessionId },
  });
  const params = { name: 'test_elicitation', arguments: { message: 'Who?' } };
  const ended = new AbortController();
  const called = say({ id: 7, method: 'tools/call', params }, ended.signal).then(
    (response) => served(response, 'User response'),
    String,
  );
  // The server asks on the stream of the session, or it never came to that.
  const question = served(asked, '"elicitation/create"');
  const first = await Promise.race([question, called]);
  if (first !== 'served') return first;
  const result = { action: 'accept', content: { username: 'ada', email: 'ada@ada.org' } };
  const answer = await say({ id: 'estop-1', result }, undefined, await shown());
  if (answer.status !== 202) {
    ended.abort();
    return `${answer.status} ${await answer.text()}`;
  }
  return called;
}

const prompt = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
const columns = {
  'tool-call': modern('tools/call', { name: 'test_simple_text', arguments: {} }, 'simple text'),
  'tool-list': modern('tools/list', {}, '"test_simple_text"'),
  resource: modern('resources/read', { uri: 'test://static-text' }, 'static text'),
  prompt: modern('prompts/get', { name: 'test_simple_prompt' }, 'simple prompt'),
  completion: modern('completion/complete', { ref: prompt, argument: { name: 'arg1', value: 'pa' } }, 'paris'),
  subscription: modern(
    'subscriptions/listen',
    { notifications: { toolsListChanged: true } },
    'notifications/subscriptions/acknowledged',
  ),
  cancellation: async (task) => {
    const response = await fetch(`${bed.gateway.url}/mcp`, {
      method: 'POST',
      headers: { ...json, ...(await bearer(task)) },
      body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }),
    });
    return response.status === 202 ? 'served' : `${response.status} ${await response.text()}`;
  },
  stream: async (task) => {
    const sessionId = (await initialize(task)).headers.get('mcp-session-id') ?? '';
    const ended = new AbortController();
    const response = await fetch(`${bed.gateway.url}/mcp/everything`, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': sessionId, ...(await bearer(task)) },
      signal: ended.signal,
    });
    if (response.status !== 200) return `${response.status} ${await response.text()}`;
    ended.abort();
    return 'served';
  },
  model: async (task) => {
    const response = await fetch(`${bed.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await bearer(task)) },
      body: JSON.stringify(question),
    });
    return served(response, '"choices"');
  },
  grant: async (task) => {
    await mint(task);
    const response = await fetch(`${bed.gateway.url}/grants/database`, { method: 'POST', headers: await bearer(task) });
    return served(response, 'given');
  },
  session: async (task) => served(await initialize(task), '"serverInfo"'),
  'model-list': async (task) => {
    const response = await fetch(`${bed.gateway.url}/v1/models`, { headers: await bearer(task) });
    return served(response, '"gpt"');
  },
  answer: (task) => answerAsked(task),
} satisfies Readonly<Record<string, Ask>>;
type Column = keyof typeof columns;

const all = Object.keys(columns) as readonly Column[]; // its own keys
const listed: readonly Column[] = ['tool-call', 'resource', 'prompt', 'completion', 'subscription', 'model', 'grant'];

describe('of the columns of the gate', () => {
  it.each(all)('%s is served to a task that may have it', async (column) => {
    expect(await columns[column](await bed.rig.startTask(allRounder))).toBe('served');
  });

  it.each(all.filter((column) => column !== 'session' && column !== 'answer'))(
    '%s asks anew for a token that is newer than the view',
    async (column) => {
      await freezePeriod();
      await stop(bed.rig.ledger, 'label:nobody=has-it');
      expect(await columns[column](await bed.rig.startTask(allRounder))).toBe('served');
    },
  );

  it('answer asks anew for a token that is newer than the view', async () => {
    const task = await bed.rig.startTask(allRounder);
    const outcome = await answerAsked(task, async () => {
      await freezePeriod();
      const { epoch } = await stop(bed.rig.ledger, 'label:nobody=has-it');
      return bed.rig.token(task, { epoch });
    });
    expect(outcome).toBe('served');
  });

  it.each(listed)('%s is refused to whom it is not given', async (column) => {
    expect(await columns[column](await bed.rig.startTask(bystander))).toMatch(
      /not available|does not exist|may not|no such grant/,
    );
  });

  it.each([
    ['resource', 'resources.read'],
    ['prompt', 'prompts.get'],
    ['completion', 'completion.complete'],
    ['subscription', 'subscriptions.listen'],
  ] as const)('%s is remembered for its task', async (column, method) => {
    const task = await bed.rig.startTask(allRounder);
    const flowKeys = createFlowKeys(openKeyRing(bed.rig.keysFolder, 'flow', 'test'));
    const opening = { taskId: task.taskId, agent: allRounder, request: 'Read it.' };
    await openTaskFlow({ store: bed.rig.ledger.as('estop_control'), flowKeys }, opening);
    const keysOf = async (query: string): Promise<readonly unknown[]> =>
      (await bed.rig.ledger.sql(query, [task.taskId])).map((row) => row['tool_key']);
    expect(await columns[column](task)).toBe('served');
    const settled = 'SELECT tool_key FROM estop.calls WHERE task_id = $1 AND settled_at IS NOT NULL';
    await until(async () => (await keysOf(settled)).length === 1);
    // A gateway writes down what was said in the order in which it was: with the tool's answer all of before is there.
    expect(await columns['tool-call'](task)).toBe('served');
    const remembered =
      'SELECT c.tool_key FROM estop.task_flow_entries e JOIN estop.calls c USING (call_id) WHERE e.root_id = $1 ORDER BY e.seq';
    const [tool, other] = ['test_simple_text', method].map((name) => `tool:everything/${name}`);
    await until(async () => (await keysOf(remembered)).includes(tool));
    expect(await keysOf(remembered)).toEqual([other, tool]);
  });

  it.each(['tool-list', 'model-list'] as const)('%s is empty for whom nothing is given', async (column) => {
    // Not because nothing is known yet.
    expect(await columns[column](await bed.rig.startTask(allRounder))).toBe('served');
    expect(await columns[column](await bed.rig.startTask(bystander))).toMatch(/"(tools|data)":\[\]/);
  });

  it('session is for no stranger', async () => {
    const task = await bed.rig.startTask(allRounder);
    expect((await initialize(task, 'Bearer a.b.c')).status).toBe(401);
  });
});
