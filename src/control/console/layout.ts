import { html } from 'hono/html';
import { assetPaths } from './assets.ts';
import { type Markup, nothing, plainly } from './markup.ts';
import { outOfBand } from './out-of-band.ts';
import { stopButton, stopDialog } from './stop-dialog.ts';
import { places, type View } from './view.ts';
import type { Visit } from './visit.ts';
import { clock } from './when.ts';

/** Numbers beside the places; absent where they could not be had at once. */
export interface Counts {
  readonly stops?: number;
  readonly approvals?: number;
}

/**
 * The whole page. The order is the order of need: what is wrong with this view, the Stop, the rest. A stylesheet holds up what
 * stands behind it alone, so the header is painted before the second one is there.
 */
export function layout(visit: Visit, view: View, counts: Counts): Markup {
  const { caller, deps, now } = visit;
  const again = isStill(visit) ? undefined : view.againAfterSeconds;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${plainly(view.title)} · estop ${deps.environment}</title>
<link rel="stylesheet" href="${assetPaths.firstSheet}">
<link rel="icon" href="${assetPaths.icon}" type="image/svg+xml">
<script src="${assetPaths.script}" defer fetchpriority="low"></script>
${again === undefined ? nothing : html`<noscript><meta http-equiv="refresh" content="${again}"></noscript>`}
</head>
<body data-watch="${(view.watch ?? []).join(' ')}">
<a class="skip" href="#main">Skip to content</a>
<div class="lost" id="lost" role="alert" hidden>
<p><strong>NOT CONNECTED</strong> <strong data-unsent></strong> <span data-lost-why>This page shows how it was at <span data-lost-at>${clock(new Date(now).toISOString(), now)}</span>. Its Stop may reach nothing: press it all the same, or from any terminal that reaches the store:</span><span data-out-why hidden>You are signed out, so its Stop may be refused. <a href="${visit.here}">Sign in again</a></span></p>
${outOfBand(view.scope ?? 'fleet')}
</div>
<div class="lost old" id="old" role="status" hidden><p><strong>NOT CURRENT</strong> The store cannot be read. This page shows how it was at <span data-lost-at>${clock(new Date(now).toISOString(), now)}</span>. Its Stop does not need the store to be read: press it, and the next page says what became of the order.</p></div>
<div class="lost" id="mute" role="alert" hidden><p><strong>STOP DOES NOT ANSWER</strong> The process that takes orders cannot be reached from this console. Where it is gone, gateways let nothing through once their leases of 3 s are over; where only the way to it is cut, they go on. Press Stop all the same, or from any terminal that reaches the store:</p>
${outOfBand(view.scope ?? 'fleet')}</div>
<header class="top">
<div class="bar">
<a class="brand" href="/"><img src="${assetPaths.icon}" alt="" width="28" height="28" fetchpriority="low">estop</a>
<span class="env">${deps.environment}</span>
<span class="fill"></span>
${stopButton(visit, view.scope)}
</div>
<nav aria-label="Console"><ul>${places
    .filter(([place]) => place !== 'secrets' || visit.may('secret:read'))
    .map(
      ([place, path, name]) =>
        html`<li><a href="${path}" ${place === view.place ? html`aria-current="page"` : ''}>${name}${badge(place, counts)}</a></li>`,
    )}</ul></nav>
</header>
<link rel="stylesheet" href="${assetPaths.stylesheet}">
<main id="main" tabindex="-1">${view.againAfterSeconds === undefined ? nothing : standStill(visit, again)}${view.body}</main>
<footer>
<span class="link" data-link-words>As of ${clock(new Date(now).toISOString(), now)}</span>
<span>${plainly(caller.actor)} · ${caller.roles.join(', ')}${caller.elevation === undefined ? nothing : html` · <a href="/people"><span class="chip bad">${caller.elevation.role} for a while, until ${caller.elevation.until.slice(11, 16)} UTC</span></a>`}</span>
<span class="fill"></span>
<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>
</footer>
${stopDialog(visit, view.scope)}
</body>
</html>`;
}

const isStill = (visit: Visit): boolean => visit.query('still') === 'true';

/** Without a script the whole page is looked at again, and with it goes what somebody is writing: so they can have it stand still. */
function standStill({ here }: Visit, again: number | undefined): Markup {
  const [path = '/', search = ''] = here.split('?', 2);
  const asked = new URLSearchParams(search);
  asked.delete('still');
  if (again !== undefined) asked.set('still', 'true');
  const way = `${path}${asked.size === 0 ? '' : `?${asked.toString()}`}`;
  const words =
    again === undefined
      ? html`This page stands still. <a href="${way}">Have it look again by itself</a>`
      : html`This page looks again every ${again} s. <a href="${way}">Have it stand still, to write something</a>`;
  return html`<noscript><p class="lead">${words}</p></noscript>`;
}

function badge(place: string, counts: Counts): Markup {
  if (place === 'stops') return countBeside('count-stops', counts.stops, 'in force');
  if (place === 'approvals') return countBeside('count-approvals', counts.approvals, 'waiting');
  return nothing;
}

/** None has its place as well: a page that stays open fills it, and empties it, when that changes. What is not known changes nothing. */
const countBeside = (id: string, count: number | undefined, of: string): Markup =>
  count === undefined || count === 0
    ? html` <span class="count" id="${id}" data-live ${count === undefined ? 'data-unknown' : ''} hidden></span>`
    : html` <span class="count" id="${id}" data-live>${most(count)}<span class="sr"> ${of}</span></span>`;

const most = (count: number): string => (count > 99 ? '99+' : String(count));
