import { PlaybookPage } from '../../contract/http/playbooks.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showPlaybook } from '../playbook-of.ts';

export const listPlaybooks = defineEndpoint({
  method: 'get',
  path: '/v1/playbooks',
  id: 'listPlaybooks',
  summary: 'What was agreed beforehand about stops, in the order in which it is looked at',
  permission: 'stop:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'All of them', schema: PlaybookPage }],
  problems: [],
  handle: async (_input, _request, deps) => {
    const { environment, playbooks = [] } = deps.config.current();
    const items = playbooks.map((playbook) => ({
      ...showPlaybook(playbook),
      environments: playbook.environments,
      applies: playbook.environments.includes(environment),
      match: playbook.match,
    }));
    return { status: 200, body: { items, next: null } };
  },
});
