import { WhoAmI } from '../../contract/http/people.ts';
import { personOf } from '../../contract/identity.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showMandates } from '../show-people.ts';

export const whoAmI = defineEndpoint({
  method: 'get',
  path: '/v1/whoami',
  id: 'whoAmI',
  summary: 'Who you are here, and what you may do',
  permission: 'self:manage',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'As of now', schema: WhoAmI }],
  problems: [],
  handle: async (_input, { identity }) => ({
    status: 200,
    body: {
      actor: identity.actor,
      person: personOf(identity),
      roles: identity.roles,
      mandates: showMandates(identity.mandates),
      elevation: identity.elevation ?? null,
      signInId: identity.signInId ?? null,
    },
  }),
});
