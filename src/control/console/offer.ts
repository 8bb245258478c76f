import { html } from 'hono/html';
import { type Endpoint, isRefusedUnderElevation } from '../endpoint.ts';
import { type Markup, nothing } from './markup.ts';
import type { ConsoleForm } from './view.ts';
import type { Visit } from './visit.ts';

/** `elevated`: it would be open, were it not for a role that was taken for a while. */
export type Standing = 'open' | 'not-yours' | 'elevated';

type Asking = Pick<ConsoleForm, 'asks'>;

/** How an endpoint would take it, by what it says of itself. For looks alone: it is decided where it is done. */
export function standingOf({ may, caller }: Visit, { asks }: Asking): Standing {
  if (asks.some(({ permission }) => !may(permission))) return 'not-yours';
  return asks.some((endpoint: Endpoint) => isRefusedUnderElevation(caller, endpoint)) ? 'elevated' : 'open';
}

interface Offered {
  /** Where it is sent; its own path with what stands for the parameters. */
  readonly to: string;
  readonly look?: string;
  /** What it is shown in. */
  readonly around?: (form: Markup) => Markup;
  /** Instead of it, for whoever may not. */
  readonly otherwise?: Markup;
  /** One of many on its page: `whyNotOffered` says it once for all of them. */
  readonly isOneOfMany?: boolean;
}

/** Every form that asks an endpoint is made here, so none is shown that would be refused to this caller because of the role in hand. */
export function offer(visit: Visit, form: ConsoleForm, offered: Offered, fields: Markup): Markup {
  const { to, look, around = (made: Markup) => made, otherwise = nothing, isOneOfMany = false } = offered;
  switch (standingOf(visit, form)) {
    case 'not-yours':
      return otherwise;
    case 'elevated':
      return isOneOfMany ? nothing : notWhileElevated(form.asks);
    case 'open': {
      const files = form.takesFiles === true ? html` enctype="multipart/form-data"` : nothing;
      return around(
        html`<form method="post" action="${to}"${files}${look === undefined ? nothing : html` class="${look}"`}>${fields}</form>`,
      );
    }
  }
}

/** For a page with many such forms, once. */
export function whyNotOffered(visit: Visit, ...forms: readonly Asking[]): Markup {
  const refused = forms.filter((form) => standingOf(visit, form) === 'elevated');
  return refused.length === 0 ? nothing : notWhileElevated(refused.flatMap(({ asks }) => asks));
}

/** By what the endpoints call themselves, as far as their first comma. */
function notWhileElevated(asks: readonly Endpoint[]): Markup {
  const what = asks.map(({ summary }) => summary.replace(/[,;:].*$/, ''));
  return html`<p class="note" data-elevated><strong>${what.join(' · ')}</strong>: not with a role that was taken for a while; <a href="/people">end it</a> first, or let somebody else do this.</p>`;
}

/** A form that changed more than it says would be shown to people whom it is refused to. */
export const askingOnly = (visit: Visit, { asks, path }: Pick<ConsoleForm, 'asks' | 'path'>): Visit => ({
  ...visit,
  ask: (endpoint, asked) => {
    if (endpoint.method === 'post' && !asks.includes(endpoint)) throw new Error(`${path} does not ask ${endpoint.id}`);
    return visit.ask(endpoint, asked);
  },
});
