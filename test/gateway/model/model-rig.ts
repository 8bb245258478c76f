import type { AgentSpec, ModelSpec } from '../../../src/contract/config.ts';
import type { GatewayDeps } from '../../../src/gateway/server.ts';
import { putAgents } from '../../store/ledger.ts';
import { billingBot, closeAfterAll, makeRig, type Rig, type RunningGateway, untilReady } from '../rig.ts';
import { type ProtocolServer, startProtocolServer } from './protocol-server.ts';

/** What must be found nowhere but in the requests that reach the provider. */
export const providerKey = 'sk-canary-0123456789-never-shown';

export interface ModelRig {
  readonly rig: Rig;
  readonly provider: ProtocolServer;
  readonly gateway: RunningGateway;
  /** A token of a new task of the agent that may use all three models. */
  token(): Promise<string>;
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
  return { rig, provider, gateway, token: async () => rig.token(await rig.startTask(writer)) };
}
