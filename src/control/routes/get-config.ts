import { RunningConfig } from '../../contract/http/config.ts';
import { EstopError } from '../../core/errors.ts';
import { currentConfig } from '../../store/config-versions.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

export const getConfig = defineEndpoint({
  method: 'get',
  path: '/v1/config',
  id: 'getConfig',
  summary: 'The configuration that is in force, as the ledger was given it',
  permission: 'config:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'The newest version', schema: RunningConfig }],
  problems: ['not-found'],
  handle: async (_input, _request, deps) => {
    const config = await currentConfig(deps.store);
    if (config === undefined) throw new EstopError('not-found', { detail: 'No configuration was ever applied.' });
    const { version, appliedAt, actor, document } = config;
    return { status: 200, body: { version, appliedAt, appliedBy: actor, document } };
  },
});
