import { html } from 'hono/html';
import type { Markup } from './markup.ts';

/**
 * What a person types where this console cannot help; it needs no control plane. Read off a phone and typed elsewhere: no word of it is
 * broken at its hyphens.
 */
export function outOfBand(scopeKey: string, order?: { readonly stopId: string; readonly category: number }): Markup {
  const which = order === undefined ? [] : ['--stop-id', order.stopId, '--category', String(order.category)];
  const rest = ['--direct', '--yes', ...which].map((word) => html` <span>${word}</span>`);
  return html`<code class="command">estop stop scope <span data-scope>${scopeKey}</span>${rest}</code>`;
}
