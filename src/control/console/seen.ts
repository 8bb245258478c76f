import { html } from 'hono/html';
import { acknowledgeNotices } from '../routes/acknowledge-notices.ts';
import { ownPath } from '../sign-in/own-path.ts';
import { foreign, type Markup } from './markup.ts';
import type { NoticeGroup } from './notice-groups.ts';
import { offer } from './offer.ts';
import { type ConsoleForm, field } from './view.ts';
import type { Visit } from './visit.ts';

/**
 * "I have seen it", wherever an escalation is shown: of all that was told about one subject until this page was made, because nobody has
 * seen what came since. Whoever says so stays where they are.
 */
export function seenButton(visit: Visit, group: NoticeGroup): Markup {
  const [{ subject, about }] = group;
  const until = group.map(({ notedAt }) => notedAt).reduce((one, other) => (one > other ? one : other));
  return offer(
    visit,
    seenForm,
    { to: seenForm.path, isOneOfMany: true },
    html`<input type="hidden" name="what" value="${subject}"><input type="hidden" name="until" value="${until}"><input type="hidden" name="back" value="${visit.here}"><button>I have seen it<span class="sr">: ${foreign(about, 120)}</span></button>`,
  );
}

export const seenForm: ConsoleForm = {
  path: '/notices/seen',
  asks: [acknowledgeNotices],
  take: async (visit, fields) => {
    const until = field(fields, 'until');
    await visit.ask(acknowledgeNotices, {
      body: { what: field(fields, 'what'), ...(until === '' ? {} : { until }) },
    });
    // An address of somebody else's leads home, as after signing in.
    return ownPath(field(fields, 'back'));
  },
};
