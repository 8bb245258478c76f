import { Secret, SecretPath, SecretValue } from '../../contract/http/secrets.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { sealAndStore } from '../secrets.ts';

export const rotateSecret = defineEndpoint({
  method: 'post',
  path: '/v1/secrets/{id}:rotate',
  id: 'rotateSecret',
  summary: 'Put a new value in the place of the old one, which is gone',
  permission: 'secret:write',
  underElevation: 'refused',
  repeats: 'repeatable',
  input: { path: SecretPath, query: nothing, body: SecretValue },
  answers: [{ status: 200, description: 'Sealed; every gateway uses it within seconds', schema: Secret }],
  problems: ['not-found', 'credential-shared'],
  handle: async ({ path: { id }, body: { value } }, { identity }, deps) => ({
    status: 200,
    body: await sealAndStore(deps, { name: id, value, mustExist: true, actor: identity.actor }),
  }),
});
