/** Times for people: how long ago, and exactly when. */
import { html } from 'hono/html';
import { type Markup, nothing } from './markup.ts';

const steps = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const;

/** Two steps at most: `2 h 5 min`. Under a minute it is exact enough to compare. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const parts: string[] = [];
  let rest = ms;
  for (const { unit, ms: size } of steps) {
    if (rest < size && parts.length === 0) continue;
    if (parts.length < 2 && Math.floor(rest / size) > 0) parts.push(`${Math.floor(rest / size)} ${unit}`);
    else if (parts.length > 0) break;
    rest %= size;
  }
  return parts.join(' ');
}

/** Whole steps: an age that changes with every look would make every page look new. */
function rough(ms: number): string {
  const step = steps.find(({ ms: size }) => ms >= size) ?? steps[3];
  return `${Math.floor(ms / step.ms)} ${step.unit}`;
}

const exactly = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;

export function age(at: string, now: number): Markup {
  return html`<time datetime="${at}" title="${exactly(at)}">${rough(Math.max(0, now - Date.parse(at)))}</time>`;
}

/** `3 min ago`, `in 12 s`. */
export function relative(at: string | null, now: number): Markup {
  if (at === null) return nothing;
  const ms = Date.parse(at) - now;
  const words = ms > 0 ? `in ${rough(ms)}` : -ms < 1_000 ? 'just now' : `${rough(-ms)} ago`;
  return html`<time datetime="${at}" title="${exactly(at)}">${words}</time>`;
}

/** That its time has come is no proof that it is under way. */
export const nextTry = (at: string, now: number): Markup =>
  Date.parse(at) <= now ? html`the next try is due` : html`next try ${relative(at, now)}`;

/** The clock of today, the date of another day: what a person writes into an incident report. */
export function clock(at: string, now: number): Markup {
  const sameDay = at.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  const shown = sameDay ? `${at.slice(11, 19)} UTC` : exactly(at);
  return html`<time datetime="${at}" title="${exactly(at)}">${shown}</time>`;
}
