import { html } from 'hono/html';
import type { Elevation, ElevationDetail, ElevationPage } from '../../contract/http/people.ts';
import { askElevation } from '../routes/ask-elevation.ts';
import { endElevation } from '../routes/end-elevation.ts';
import { getElevation } from '../routes/get-elevation.ts';
import { grantElevation } from '../routes/grant-elevation.ts';
import { endpoints } from '../routes/index.ts';
import { listElevations } from '../routes/list-elevations.ts';
import { reviewElevation } from '../routes/review-elevation.ts';
import { idLink } from './id-link.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer, whyNotOffered } from './offer.ts';
import { type ConsoleForm, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, relative } from './when.ts';

const tones = { 'asked': 'warn', 'active': 'bad', 'to-review': 'warn', 'reviewed': '', 'lapsed': '' } as const;

const mostLookedInto = 20;
const mostUses = 30;

interface Listed extends Elevation {
  /** What was done under it; absent: nothing can have been, or it is far down the list and not signed from there. */
  readonly detail?: ElevationDetail;
}

/** With what was done under each: whoever signs that they looked at it looks at it here. */
export async function openElevations(visit: Visit): Promise<readonly Listed[]> {
  const { items } = await visit.ask<ElevationPage>(listElevations);
  const begun = items.filter(({ state }) => state === 'active' || state === 'to-review').slice(0, mostLookedInto);
  const details = await Promise.all(
    begun.map(({ elevationId: id }) =>
      visit.ask<ElevationDetail>(getElevation, { path: { id }, query: { limit: String(mostUses) } }),
    ),
  );
  return items.map((one) => {
    const detail = details.find(({ elevationId }) => elevationId === one.elevationId);
    return detail === undefined ? one : { ...one, detail };
  });
}

/** Break-glass: what is active, and what somebody still has to look at. It stays here until somebody has. */
export function elevationList(visit: Visit, items: readonly Listed[]): Markup {
  if (items.length === 0)
    return html`<p class="card empty">Nobody holds a role for a while, and nothing waits to be looked at.</p>`;
  const waits = items.some(({ state }) => state === 'asked' || state === 'to-review');
  return html`${waits ? whyNotOffered(visit, grantForm, reviewForm) : nothing}<ul class="cards">${items.map(
    (
      one,
    ) => html`<li class="card"><div class="row between"><strong>${foreign(one.name, 120)} as ${one.role}</strong><span class="chip ${tones[one.state]}">${one.state}</span></div>
<p>“${foreign(one.reason, 400)}” <small>${begunWords(one, visit.now)}${endWords(one, visit.now)}</small></p>${one.detail === undefined ? nothing : doneUnder(one.detail, one.state, visit.now)}${one.state === 'to-review' && one.detail === undefined ? html`<p>Sign those above first: what was done under this one is shown then.</p>` : actions(visit, one)}</li>`,
  )}</ul>`;
}

/** By the rule of a review nobody else had to say anything: then nobody granted it. */
function begunWords({ rule, askedAt, grantedAt, grantedBy }: Elevation, now: number): Markup {
  if (grantedAt === null || grantedBy === null) return html`asked ${clock(askedAt, now)}`;
  if (rule === 'review') return html`begun by themselves ${clock(grantedAt, now)}`;
  return html`asked ${clock(askedAt, now)}, granted ${clock(grantedAt, now)} by ${foreign(grantedBy, 80)}`;
}

function endWords({ state, endsAt, endedAt, endedBy }: Elevation, now: number): Markup {
  if (endedAt !== null)
    return html`, ended ${clock(endedAt, now)}${endedBy === null ? '' : html` by ${foreign(endedBy, 80)}`}`;
  if (endsAt === null) return nothing;
  return state === 'active' ? html`, ends ${relative(endsAt, now)}` : html`, ended by itself ${clock(endsAt, now)}`;
}

function doneUnder(
  { elevationId, used, usedInAll, stops }: ElevationDetail,
  state: Elevation['state'],
  now: number,
): Markup {
  if (usedInAll + stops.length === 0)
    return html`<p>${state === 'active' ? 'Nothing has been done under it so far.' : 'Nothing was done under it.'}</p>`;
  const rest = usedInAll - used.length;
  const whole = new URLSearchParams({ kind: 'elevation.used', subject: `elevation:${elevationId}` });
  return html`<p>Done under it:</p><ol class="timeline">${stops.slice(-mostUses).map((stop) => html`<li><span>Ordered ${idLink(stop)}</span></li>`)}${used.map(
    ({ at, what, path }) => html`<li>${clock(at, now)}<span>${foreign(deedOf(what), 120)} ${aboutOf(path)}</span></li>`,
  )}</ol>
${stops.length > mostUses ? html`<p class="note warn">The newest ${mostUses} of ${stops.length} stops: <code>estop elevate show ${elevationId}</code> has all.</p>` : nothing}${rest > 0 ? html`<p class="note warn">The newest ${used.length} of ${usedInAll}. Whoever signs signs for all of them: <a href="/audit?${whole.toString()}">look at all of them</a>, or <code>estop elevate show ${elevationId}</code></p>` : nothing}`;
}

/** By what the endpoint calls itself, as far as its first comma. */
const deedOf = (id: string): string => endpoints.find((one) => one.id === id)?.summary.replace(/[,;:].*$/, '') ?? id;

const aboutOf = (path: string): Markup => {
  const id = /[a-z]+_[a-z0-9]+_[0-9a-z]{26}/.exec(path)?.[0];
  return id === undefined ? html`<code>${foreign(path, 120)}</code>` : idLink(id);
};

function actions(visit: Visit, { elevationId, state }: Elevation): Markup {
  const act = (form: ConsoleForm, words: string, more: Markup = nothing): Markup =>
    offer(
      visit,
      form,
      { to: form.path, look: 'row', isOneOfMany: true },
      html`<input type="hidden" name="id" value="${elevationId}">${more}<button>${words}</button>`,
    );
  if (state === 'active') return act(endForm, 'End it now');
  if (state === 'asked') return act(grantForm, 'Grant it, as the second person');
  if (state !== 'to-review') return nothing;
  return act(
    reviewForm,
    'Sign the review',
    html`<label class="field">Verdict<select name="verdict" required><option value="">choose</option><option value="justified">justified</option><option value="not-justified">not justified</option></select></label><label class="field">Note<input type="text" name="note" required maxlength="2000" autocomplete="off"></label>`,
  );
}

/** With what estop.yaml lets be taken; whom it names is asked where it is taken. */
export function askSection(visit: Visit): Markup {
  const rules = visit.deps.config.current().signIn?.breakGlass;
  if (rules === undefined)
    return html`<p class="note">Nobody takes a role for a while here: <code>signIn.breakGlass</code> of estop.yaml names nobody.</p>`;
  const longest = Math.floor(rules.longestMs / 60_000);
  return offer(
    visit,
    askForm,
    {
      to: askForm.path,
      look: 'stack',
      around: (form) =>
        html`<details class="card" id="break-glass"><summary>Break glass: take a role for a while</summary>${form}</details>`,
    },
    html`<p>For a named person, with a reason that somebody else looks at afterwards. ${rules.rule === 'second-person' ? 'It begins when a second person says so.' : 'It begins at once.'} Everything done under it is marked, it ends by itself, and it never lets you reset a stop.</p>
<label class="field">Role<select name="role">${rules.roles.map((role) => html`<option>${role}</option>`)}</select></label>
<label class="field">Minutes, ${longest} at most<input type="text" name="minutes" value="${Math.min(30, longest)}" inputmode="numeric" required pattern="[0-9]{1,4}"></label>
<label class="field">Why<input type="text" name="reason" required maxlength="2000" autocomplete="off"></label><p><button>Take it</button></p>`,
  );
}

const back = '/people';
const idIn = (fields: Parameters<ConsoleForm['take']>[1]): { readonly id: string } => ({ id: field(fields, 'id') });

const askForm: ConsoleForm = {
  path: '/people/elevation/ask',
  asks: [askElevation],
  take: async (visit, fields) => {
    const body = {
      role: field(fields, 'role'),
      minutes: Number(field(fields, 'minutes')),
      reason: field(fields, 'reason'),
    };
    await visit.ask(askElevation, { body });
    return back;
  },
};

const grantForm: ConsoleForm = {
  path: '/people/elevation/grant',
  asks: [grantElevation],
  take: async (visit, fields) => {
    await visit.ask(grantElevation, { path: idIn(fields) });
    return back;
  },
};

const endForm: ConsoleForm = {
  path: '/people/elevation/end',
  asks: [endElevation],
  take: async (visit, fields) => {
    await visit.ask(endElevation, { path: idIn(fields) });
    return back;
  },
};

const reviewForm: ConsoleForm = {
  path: '/people/elevation/review',
  asks: [reviewElevation],
  take: async (visit, fields) => {
    const body = { verdict: field(fields, 'verdict'), note: field(fields, 'note') };
    await visit.ask(reviewElevation, { path: idIn(fields), body });
    return back;
  },
};

export const elevationForms: readonly ConsoleForm[] = [askForm, grantForm, endForm, reviewForm];
