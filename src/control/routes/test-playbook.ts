import { PlaybookTest, TestPlaybook } from '../../contract/http/playbooks.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { playbookOf, showPlaybook } from '../playbook-of.ts';

export const testPlaybook = defineEndpoint({
  method: 'post',
  path: '/v1/playbooks:test',
  id: 'testPlaybook',
  summary: 'Which playbook a stop would follow, as if it were ordered now; changes nothing',
  permission: 'stop:read',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: TestPlaybook },
  answers: [{ status: 200, description: 'The one that fits first, or none', schema: PlaybookTest }],
  problems: [],
  handle: async ({ body }, _request, deps) => {
    const { scopeKey, trigger } = body;
    const playbook = await playbookOf(deps, scopeKey, trigger);
    return {
      status: 200,
      body: { scopeKey, trigger: trigger ?? null, playbook: playbook === undefined ? null : showPlaybook(playbook) },
    };
  },
});
