import { PersonPage } from '../../contract/http/people.ts';
import { listPeople as list } from '../../store/people.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showPerson } from '../show-people.ts';

export const listPeople = defineEndpoint({
  method: 'get',
  path: '/v1/people',
  id: 'listPeople',
  summary: 'Everybody who ever signed in, and what they may do',
  permission: 'people:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'By name', schema: PersonPage }],
  problems: [],
  handle: async (_input, _request, deps) => ({
    status: 200,
    body: { items: (await list(deps.store)).map(showPerson), next: null },
  }),
});
