import type { AgentSpec, ModelSpec } from '../../contract/config.ts';
import { type Check, denied, known } from '../passage.ts';
import { rightsOf } from '../rights.ts';

/** The agent's own models, and only those with a price: what cannot be counted cannot be bounded. */
export const checkModelScope: Check = ({ host, facts }) => {
  // A model is what an agent thinks with, and reaches nothing: whom it works for does not bound it.
  const [agent] = rightsOf(host.config.current(), known(facts.claims)) ?? [];
  const model = known(facts.model);
  if (agent === undefined || !mayUse(agent, model.modelId)) return denied('model-not-available');
  if (model.price === undefined) return denied('model-without-price');
  facts.agent = agent;
  return undefined;
};

export function mayUse(agent: AgentSpec, modelId: string): boolean {
  return agent.model === modelId || agent.models?.includes(modelId) === true;
}

/** Those that a call would not be refused for at once. */
export function modelsOf(agent: AgentSpec, models: readonly ModelSpec[]): readonly ModelSpec[] {
  return models.filter(({ modelId, price }) => price !== undefined && mayUse(agent, modelId));
}
