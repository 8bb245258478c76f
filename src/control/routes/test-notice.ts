import { TestNotice, TestNoticeResult } from '../../contract/http/notices.ts';
import { EstopError } from '../../core/errors.ts';
import { askTestNotice } from '../../store/notices.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

/** It goes the whole way of any notice; what became of it is in the list. */
export const testNotice = defineEndpoint({
  method: 'post',
  path: '/v1/notices:test',
  id: 'testNotice',
  summary: 'Send a test to one endpoint, or to all',
  permission: 'notice:test',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: TestNotice },
  answers: [{ status: 202, description: 'On its way', schema: TestNoticeResult }],
  problems: ['not-found'],
  handle: async ({ body }, request, deps) => {
    const known = deps.config.current().notifications?.endpoints.map(({ endpointId }) => endpointId) ?? [];
    const endpoints = body.endpoint === undefined ? known : known.filter((one) => one === body.endpoint);
    if (endpoints.length === 0)
      throw new EstopError('not-found', { detail: 'estop.yaml configures no such endpoint under `notifications`.' });
    const noticeId = await askTestNotice(deps.store, request.identity.actor, body.endpoint);
    return { status: 202, body: { noticeId, endpoints } };
  },
});
