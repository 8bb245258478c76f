import { Secret, SecretPath, SecretValue } from '../../contract/http/secrets.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { sealAndStore } from '../secrets.ts';

/** `repeatable`: a kept request would keep a hash of the value, which a short value does not survive. */
export const setSecret = defineEndpoint({
  method: 'post',
  path: '/v1/secrets/{id}:set',
  id: 'setSecret',
  summary: 'Seal a new secret under this name',
  permission: 'secret:write',
  underElevation: 'refused',
  repeats: 'repeatable',
  input: { path: SecretPath, query: nothing, body: SecretValue },
  answers: [{ status: 201, description: 'Sealed; every gateway knows of it within seconds', schema: Secret }],
  problems: ['conflict', 'credential-shared'],
  handle: async ({ path: { id }, body: { value } }, { identity }, deps) => ({
    status: 201,
    body: await sealAndStore(deps, { name: id, value, mustExist: false, actor: identity.actor }),
  }),
});
