import { html } from 'hono/html';
import type { Markup } from './markup.ts';
import { type Fields, field } from './view.ts';

/** For what may be done without saying why. What is said stands in the audit. */
export const mayGiveReason = (): Markup =>
  html`<label class="field">Why (optional)<input type="text" name="reason" maxlength="500" autocomplete="off"></label>`;

export function reasonIn(fields: Fields): { readonly reason?: string } {
  const reason = field(fields, 'reason').replaceAll(/\s+/g, ' ').trim();
  return reason === '' ? {} : { reason };
}
