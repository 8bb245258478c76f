import { html } from 'hono/html';
import { foreign, type Markup } from './markup.ts';

const pagesOf = { stop: '/stops/', task: '/tasks/', appr: '/approvals/' } as const;

/** Ids of ours lead to their page; anything else is text. */
export function idLink(text: string): Markup {
  const kind = /^(stop|task|appr)_[a-z0-9]+_[0-9a-z]{26}$/.exec(text)?.[1];
  if (kind === 'stop' || kind === 'task' || kind === 'appr')
    return html`<a href="${pagesOf[kind]}${text}">${kind} …${text.slice(-6)}</a>`;
  return foreign(text, 120);
}
