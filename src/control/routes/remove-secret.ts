import { RemovedSecret, SecretPath } from '../../contract/http/secrets.ts';
import { EstopError } from '../../core/errors.ts';
import { removeSecret as remove } from '../../store/secrets.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

export const removeSecret = defineEndpoint({
  method: 'post',
  path: '/v1/secrets/{id}:remove',
  id: 'removeSecret',
  summary: 'Forget a secret; what is called with it is denied from then on',
  permission: 'secret:write',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: SecretPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'Gone; every gateway knows of it within seconds', schema: RemovedSecret }],
  problems: ['not-found'],
  handle: async ({ path: { id } }, { identity }, deps) => {
    if (!(await remove(deps.store, id, identity.actor)))
      throw new EstopError('not-found', { detail: `There is no secret ${id}.` });
    return { status: 200, body: { name: id, removed: true } };
  },
});
