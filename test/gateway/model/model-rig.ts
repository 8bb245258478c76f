import type { AgentSpec, ModelSpec } from '../../../src/contract/config.ts';
import type { GatewayDeps } from '../../../src/gateway/server.ts';
import type { TaskRecord } from '../../../src/store/tasks.ts';
import { putAgents } from '../../store/ledger.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, type RunningGateway, until, untilReady } from '../rig.ts';
import { type ProtocolServer, startProtocolServer } from './protocol-server.ts';

/** What must be found nowhere but in the requests that reach the provider. */
export const providerKey = 'sk-canary-0123456789-never-shown';

export interface ModelRig {
  readonly rig: Rig;
  readonly provider: ProtocolServer;
  readonly gateway: RunningGateway;
  /** A token of a new task of the agent that may use all three models. */
  token(): Promise<string>;
  addAgent(agent: AgentSpec): Promise<void>;
}

export const writer: AgentSpec = {
  ...billingBot,
  agentId: 'writer',
  labels: {},
  tools: {},
  model: 'gpt',
  models: ['claude', 'compatible', 'priceless'],
};

/** In microcents per token: 3, 15, 0.3 and 3.75 units of currency per million. */
export const price = { input: 300, output: 1_500, cachedInput: 30, cacheWrite: 375 };

export function modelsAt(baseUrl: string): readonly ModelSpec[] {
  const common = { model: 'real-model', baseUrl, apiKey: { env: 'PROVIDER_KEY' }, network: 'loopback', price } as const;
  return [
    { ...common, modelId: 'gpt', provider: 'openai' },
    { ...common, modelId: 'claude', provider: 'anthropic' },
    { ...common, modelId: 'compatible', provider: 'openai-compatible' },
    { modelId: 'priceless', provider: 'openai', model: 'real-model', baseUrl, network: 'loopback' },
    { ...common, modelId: 'secret', provider: 'openai' },
  ];
}

export async function makeModelRig(changes: Partial<GatewayDeps> = {}): Promise<ModelRig> {
  const rig = await makeRig();
  await putAgents(rig.ledger, [billingBot, writer]);
  const provider = await startProtocolServer();
  closeAfterAll(() => provider.close());
  rig.configure((config) => ({ ...config, agents: [...config.agents, writer], models: modelsAt(provider.baseUrl) }));
  const { readSecret } = rig.deps();
  const gateway = await rig.startGateway({
    readSecret: (reference) => (reference.env === 'PROVIDER_KEY' ? providerKey : readSecret(reference)),
    ...changes,
  });
  await untilReady(gateway);
  const agents = [billingBot, writer];
  const addAgent = async (agent: AgentSpec): Promise<void> => {
    agents.push(agent);
    await putAgents(rig.ledger, agents);
    rig.configure((config) => ({ ...config, agents: [...config.agents, agent] }));
  };
  return { rig, provider, gateway, token: async () => rig.token(await rig.startTask(writer)), addAgent };
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  /** What a program reads from a refusal. */
  readonly code: unknown;
  readonly headers: Headers;
}

/** Any request, also one that no official client would send. Rejects if the answer breaks off. */
export async function ask(
  { gateway }: Pick<ModelRig, 'gateway'>,
  token: string,
  body: unknown,
  path = '/v1/chat/completions',
  more: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, code: codeIn(text), headers: response.headers };
}

function codeIn(text: string): unknown {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly code?: unknown } }; // or it is no object at all
    return error?.code;
  } catch {
    return undefined;
  }
}

export const question = { model: 'gpt', messages: [{ role: 'user', content: 'Wie ist das Wetter?' }] };
export const streamed = { ...question, stream: true };

export async function startWriter({ rig }: ModelRig): Promise<{ readonly task: TaskRecord; readonly token: string }> {
  const task = await rig.startTask(writer);
  return { task, token: await rig.token(task) };
}

/** What the ledger has of the one call of a task, once it is settled. */
export function costOf({ rig }: ModelRig, task: TaskRecord) {
  return until(async () => {
    const query =
      'SELECT outcome, tool_key, cost_calls, cost_tokens, cost_microcents FROM estop.calls WHERE task_id = $1 AND outcome IS NOT NULL';
    const [row] = await rig.ledger.sql(query, [task.taskId]);
    if (row === undefined) return undefined;
    const [calls, tokens, microcents] = ['cost_calls', 'cost_tokens', 'cost_microcents'].map((key) => Number(row[key]));
    return { outcome: row['outcome'], toolKey: row['tool_key'], calls, tokens, microcents };
  });
}
