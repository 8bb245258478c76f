import { randomBytes } from 'node:crypto';
import { html } from 'hono/html';
import type { Markup } from './markup.ts';
import { type Fields, field } from './view.ts';

/** Makes a form that is sent twice one request: what it carries becomes its Idempotency-Key. */
export const onceField = (): Markup =>
  html`<input type="hidden" name="once" value="${randomBytes(16).toString('hex')}">`;

/** Undefined if somebody wrote something else into it. */
export function onceIn(fields: Fields): string | undefined {
  const once = field(fields, 'once');
  return /^[0-9a-f]{32}$/.test(once) ? once : undefined;
}
