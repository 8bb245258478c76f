import { Acknowledged, AcknowledgeNotices } from '../../contract/http/notices.ts';
import { EstopError } from '../../core/errors.ts';
import { acknowledgeNotices as acknowledge, noticesAbout } from '../../store/notices.ts';
import { concernOfNotice } from '../concern.ts';
import type { ControlDeps } from '../deps.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { inMicroseconds, isOverAll, isWithinReach, outOfReach } from '../permission.ts';
import type { Caller } from '../sign-in/callers.ts';

const mostAtOnce = 200;

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
  // Judged notice by notice where it is done: of what is told about one subject some may be theirs, and some not.
  concerns: async () => 'nothing',
  answers: [{ status: 200, description: 'Acknowledged', schema: Acknowledged }],
  problems: ['not-found'],
  handle: async ({ body }, request, deps) => {
    const only = await ofThese(deps, request.identity, body);
    const notices = await acknowledge(deps.store, body.what, request.identity.actor, only);
    if (notices === undefined) throw new EstopError('not-found');
    return { status: 200, body: { what: body.what, notices } };
  },
});

/** Undefined: all of them. Those that were judged, by id: what is told meanwhile is not acknowledged with them. */
async function ofThese(
  deps: ControlDeps,
  caller: Caller,
  { what, until }: AcknowledgeNotices,
): Promise<readonly string[] | undefined> {
  const isOfAll = isOverAll(caller, 'notice:acknowledge');
  if (isOfAll && until === undefined) return undefined;
  const about = await noticesAbout(deps.store, what, mostAtOnce);
  const concerns = isOfAll ? [] : await Promise.all(about.map((notice) => concernOfNotice(notice, deps)));
  const mine = about.filter(
    (_, index) => isOfAll || isWithinReach(caller, 'notice:acknowledge', concerns[index] ?? 'everything'),
  );
  // Also where there is none: whoever may not do it does not learn whether there is anything.
  if (!isOfAll && mine.length === 0) throw outOfReach();
  return mine
    .filter(({ notedAt }) => until === undefined || inMicroseconds(notedAt) <= inMicroseconds(until))
    .map(({ noticeId }) => noticeId);
}
