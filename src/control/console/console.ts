import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { EstopError } from '../../core/errors.ts';
import type { ControlDeps } from '../deps.ts';
import { exportAudit } from '../routes/list-audit.ts';
import { streamEvents } from '../routes/stream-events.ts';
import { callerOf } from '../sign-in/caller.ts';
import { ownPath } from '../sign-in/own-path.ts';
import { consoleAssets } from './assets.ts';
import { countsOf } from './counts.ts';
import { type Counts, layout } from './layout.ts';
import { createStopLook, createStoreLook } from './look.ts';
import { askingOnly } from './offer.ts';
import { forms, pages } from './pages.ts';
import { problemOfForm, problemOfPage } from './problem-view.ts';
import { readFields, readFilesToo } from './read-fields.ts';
import { previewFragment } from './stop-preview.ts';
import type { ConsoleForm, View } from './view.ts';
import { type Visit, visitOf } from './visit.ts';

const pack = promisify(gzip);

/** The console: pages of text and forms over the endpoints of the API, and what their one script asks for. */
export function consolePages(app: OpenAPIHono, deps: ControlDeps): void {
  consoleAssets(app);
  for (const { path, show } of pages) {
    app.get(path, (context) =>
      signedIn(context, deps, async (visit) => {
        const counts = countsOf(visit);
        const view = await show(visit, (name) => context.req.param(name) ?? '').catch((thrown: unknown) =>
          problemOfPage(visit, thrown),
        );
        return page(context, visit, view, await counts);
      }),
    );
  }
  for (const form of forms) {
    app.post(form.path, (context) =>
      signedIn(context, deps, async (visit) => {
        const outcome = await takeForm(context, visit, form);
        if (typeof outcome !== 'string') return page(context, visit, outcome, await countsOf(visit));
        // The script goes there itself: a redirect that it followed would be a page loaded twice.
        return context.req.header('accept') === 'application/json'
          ? context.json({ location: outcome })
          : context.redirect(outcome, 303);
      }),
    );
  }
  app.get('/events', (context) => signedIn(context, deps, (visit) => visit.stream(streamEvents)));
  app.get('/audit/export', (context) =>
    signedIn(context, deps, (visit) => visit.stream(exportAudit, { query: context.req.query() })),
  );
  const isStoreThere = createStoreLook(deps.store);
  const isStopThere = createStopLook(deps.stopUrl);
  app.get('/ping', (context) => {
    // Before it is known who asks: where the store is slow as well, one wait after the other is more than a page has.
    const stopThere = isStopThere();
    return signedIn(context, deps, async ({ caller }) => {
      const [isStore, isStop] = await Promise.all([caller.isFromMemory !== true && isStoreThere(), stopThere]);
      // Of a caller who had to be remembered it is known already.
      if (!isStore) context.header('estop-store', 'away');
      if (!isStop) context.header('estop-stop', 'away');
      return context.body(null, 204);
    });
  });
  app.get('/stop/preview', (context) =>
    signedIn(context, deps, async (visit) => context.html(await previewFragment(visit, visit.query('scope') ?? ''))),
  );
}

async function takeForm(context: Context, visit: Visit, form: ConsoleForm): Promise<string | View> {
  const { take, takesFiles } = form;
  try {
    const fields = await (takesFiles === true ? readFilesToo : readFields)(context.req.raw);
    return await take(askingOnly(visit, form), fields, (name) => context.req.param(name) ?? '', context);
  } catch (thrown) {
    return problemOfForm(visit, thrown);
  }
}

/** Whoever is nobody is sent to sign in, and back again if it was a page that they wanted. */
async function signedIn(
  context: Context,
  deps: ControlDeps,
  answer: (visit: Visit) => Promise<Response>,
): Promise<Response> {
  const caller = await callerOf(context, deps);
  if (caller !== undefined) return answer(visitOf(context, caller, deps));
  const isPage = context.req.method === 'GET' && (context.req.header('accept') ?? '').includes('text/html');
  if (!isPage && context.req.header('sec-fetch-mode') !== 'navigate') throw new EstopError('unauthenticated');
  const url = new URL(context.req.url);
  const next = context.req.method === 'GET' ? ownPath(`${url.pathname}${url.search}`) : '/';
  return context.redirect(next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`, 303);
}

async function page(context: Context, visit: Visit, view: View, counts: Counts): Promise<Response> {
  const text = String(await layout(visit, view, counts));
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'vary': 'cookie, accept-encoding',
  };
  const status = view.status ?? 200;
  if (!/\bgzip\b/.test(context.req.header('accept-encoding') ?? '')) return new Response(text, { status, headers });
  return new Response(new Uint8Array(await pack(text, { level: 6 })), {
    status,
    headers: { ...headers, 'content-encoding': 'gzip' },
  });
}
