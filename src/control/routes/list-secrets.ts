import { SecretPage } from '../../contract/http/secrets.ts';
import { listSecrets as list } from '../../store/secrets.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showSecret } from '../secrets.ts';

export const listSecrets = defineEndpoint({
  method: 'get',
  path: '/v1/secrets',
  id: 'listSecrets',
  summary: 'The sealed secrets by name, without their values, which nobody is ever shown',
  permission: 'secret:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'All of them', schema: SecretPage }],
  problems: [],
  handle: async (_input, _request, deps) => {
    const items = (await list(deps.store)).map((record) => showSecret(deps, record));
    return { status: 200, body: { items, next: null } };
  },
});
