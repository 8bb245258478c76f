import type { OpenAPIHono } from '@hono/zod-openapi';
import { EstopError, errorCatalogue, isErrorCode } from '../core/errors.ts';
import { parseId } from '../core/ids.ts';
import { currentEpoch } from '../store/installation.ts';
import type { ControlDeps } from './deps.ts';
import { knownInTime } from './known-in-time.ts';

const readyPatienceMs = 1_500;

/** Without a token: is it alive, is it ready, what does this error mean. Nothing here tells what the installation holds. */
export function publicPages(app: OpenAPIHono, deps: ControlDeps): void {
  app.get('/livez', (context) => context.json({ status: 'ok' }));
  app.get('/readyz', async (context) => {
    const [store, temporal] = await Promise.all([
      within(currentEpoch(deps.store)),
      within(deps.workflows.isReachable().then(must)),
    ]);
    const agents = deps.isConfigApplied();
    const isReady = store && temporal && agents;
    const parts = {
      store: store ? 'ok' : 'down',
      temporal: temporal ? 'ok' : 'down',
      configuration: agents ? 'ok' : 'not-applied',
    };
    return context.json({ status: isReady ? 'ready' : 'not-ready', ...parts }, isReady ? 200 : 503);
  });
  app.get('/approvals/:id', (context, next) => {
    // A browser is shown the console's page, or sent to sign in first.
    if ((context.req.header('accept') ?? '').includes('text/html')) return next();
    const id = context.req.param('id');
    if (parseId(id)?.kind !== 'appr') throw new EstopError('not-found');
    // Nothing of the call: whoever has this address need not be anybody who may see it.
    return context.text(
      `A call waits for a person's decision.\n\nSee it whole, and decide:\n\n  estop approve ${id}\n  estop deny ${id}\n`,
    );
  });
  app.get('/errors/:code', (context) => {
    const code = context.req.param('code');
    if (!isErrorCode(code)) throw new EstopError('not-found');
    const { status, title, retry } = errorCatalogue[code];
    const again = {
      never: 'The same request will fail again.',
      backoff: 'Try again, with growing pauses.',
      after: 'Try again after a moment (Retry-After).',
    }[retry];
    return context.text(`${code}\n\n${title}\n${again}\n\nHTTP status ${status}\n`);
  });
}

const within = async (work: Promise<unknown>): Promise<boolean> =>
  (await knownInTime(
    work.then(() => true),
    readyPatienceMs,
  )) === true;

function must(isThere: boolean): void {
  if (!isThere) throw new EstopError('temporal-unavailable');
}
