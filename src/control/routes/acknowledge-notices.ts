import { Acknowledged, AcknowledgeNotices } from '../../contract/http/notices.ts';
import { EstopError } from '../../core/errors.ts';
import { acknowledgeNotices as acknowledge } from '../../store/notices.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

/** Ends the calling of further people. It decides nothing about what the notice is about. */
export const acknowledgeNotices = defineEndpoint({
  method: 'post',
  path: '/v1/notices:acknowledge',
  id: 'acknowledgeNotices',
  summary: 'Say that somebody has seen a notice, or all about one subject: nobody else is called',
  permission: 'notice:acknowledge',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: AcknowledgeNotices },
  answers: [{ status: 200, description: 'Acknowledged', schema: Acknowledged }],
  problems: ['not-found'],
  handle: async ({ body }, request, deps) => {
    const notices = await acknowledge(deps.store, body.what, request.identity.actor);
    if (notices === undefined) throw new EstopError('not-found');
    return { status: 200, body: { what: body.what, notices } };
  },
});
