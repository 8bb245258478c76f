import { type Check, known } from '../passage.ts';
import { rightsOf } from '../rights.ts';
import { modelsOf } from './model-scope.ts';

/** In the words of both kinds of client. Neither the provider nor its own name of the model is told. */
export const listModels: Check = ({ host, facts }) => {
  const config = host.config.current();
  const [agent] = rightsOf(config, known(facts.claims)) ?? [];
  const data = (agent === undefined ? [] : modelsOf(agent, config.models)).map(({ modelId }) => ({
    id: modelId,
    object: 'model',
    type: 'model',
    display_name: modelId,
    created: 0,
    created_at: '1970-01-01T00:00:00Z',
    owned_by: 'estop',
  }));
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  facts.answer = { object: 'list', data, has_more: false, ...ends };
  return undefined;
};
