import { type Check, denied } from '../passage.ts';

/** A model of estop.yaml, spoken to in the words of its provider. */
export const checkModelKnown: Check = ({ host, asked, facts }) => {
  if (asked.kind !== 'model') return denied('internal');
  const name = asked.body['model'];
  const model = host.config.current().models.find(({ modelId }) => modelId === name);
  if (model === undefined || !asked.dialect.providers.includes(model.provider)) return denied('model-not-available');
  facts.model = model;
  return undefined;
};
