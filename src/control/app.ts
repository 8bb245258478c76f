import { randomBytes } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { continueTrace, traced } from '../contract/tracing.ts';
import { versionHeader } from '../contract/version-header.ts';
import { type ErrorCode, EstopError, errorCodeOf } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import { readVersion } from '../runtime/package-version.ts';
import { consentPages } from './agent-clients/consent-page.ts';
import { tokenDoor } from './agent-clients/token-door.ts';
import { slackDoor } from './chat/slack-door.ts';
import { codecDoor } from './codec/codec-door.ts';
import { consolePages } from './console/console.ts';
import { contentPolicy } from './console/page-headers.ts';
import { cutOff } from './cut-off.ts';
import type { ControlDeps } from './deps.ts';
import { apiDocument } from './describe-api.ts';
import type { Endpoint, Reply } from './endpoint.ts';
import { createCallerGuard } from './guard-caller.ts';
import { perform } from './perform.ts';
import { problemResponse } from './problem-response.ts';
import { publicPages } from './public-pages.ts';
import { readJson } from './read-json.ts';
import { createRefusedAttempts } from './refused-attempts.ts';
import { endpoints } from './routes/index.ts';
import { type Caller, callerNow, findCaller, shownIn } from './sign-in/caller.ts';
import { providerPages } from './sign-in/provider-pages.ts';
import { signInPages } from './sign-in/sign-in-pages.ts';
import { createSourceOf } from './sign-in/source-of.ts';
import { renewStopProof } from './sign-in/stop-proof.ts';
import { terminalSignIn } from './sign-in/terminals.ts';
import { triggerDoor } from './triggers/trigger-door.ts';

/**
 * The whole API as one fetch function. Order of the checks: caller, route, identity, permission, size and shape, repetition,
 * and only then the handler. Whoever may not do a thing does not learn whether its object exists.
 */
export function createControlApp(given: ControlDeps): OpenAPIHono {
  const refused = createRefusedAttempts(given);
  const version = readVersion();
  const deps: ControlDeps = { ...given, refused };
  const app = new OpenAPIHono();
  const guard = createCallerGuard(deps.controlUrl, deps.hostNames);
  const mintRequestId = (): string => formatId('req', deps.environment, randomBytes(16));
  const sourceOf = createSourceOf(deps.trustedProxies);
  const noteStranger = (context: Context, code: ErrorCode, subject: string): void => {
    // Who shows nothing and looks has not tried to be anybody.
    const isTried = context.req.method === 'POST' || context.req.header('authorization') !== undefined;
    if (!isTried || !codesOfStrangers.has(code)) return;
    const shown = code === 'unauthenticated' ? shownIn(context, deps) : {};
    refused.note({ door: 'api', source: sourceOf(context) || 'unknown', subject, because: code, ...shown });
  };
  app.use(({ req }, next) =>
    continueTrace({ traceparent: req.header('traceparent'), tracestate: req.header('tracestate') }, next),
  );
  app.use(contentPolicy);
  // With `no-referrer` a browser names no origin with a form, and a form without one is refused.
  app.use(secureHeaders({ strictTransportSecurity: false, referrerPolicy: 'same-origin' }));
  codecDoor(app, deps); // before the guard: it lets one more origin in
  app.use(async (context, next) => {
    context.header('cache-control', 'no-store');
    if (!context.req.path.startsWith('/livez') && !context.req.path.startsWith('/readyz')) guard(context.req.raw);
    await next();
    if (context.req.path.startsWith('/v1/')) context.header(versionHeader, version);
    // Whoever is told times goes by this one, and not by the clock of a phone. Where ours is right, Node says it for less.
    if (Math.abs(deps.clock.aheadMs() ?? 0) >= clockToldMs)
      context.header('date', new Date(deps.clock.now()).toUTCString());
  });
  app.use(renewStopProof(deps));
  for (const endpoint of endpoints) {
    app.on(endpoint.method.toUpperCase(), routingPath(endpoint.path), (context) =>
      traced(`control ${endpoint.id}`, 'server', () =>
        serve(endpoint, context, deps, mintRequestId(), (code) => noteStranger(context, code, endpoint.path)),
      ),
    );
  }
  // Made when it is first asked for: it takes half a second, which a control process that starts is not to wait for.
  let document: ReturnType<typeof apiDocument> | undefined;
  app.get('/openapi.json', (context) => {
    document ??= apiDocument();
    return context.json(document);
  });
  publicPages(app, deps);
  triggerDoor(app, deps, refused);
  slackDoor(app, deps, refused);
  tokenDoor(app, deps);
  consentPages(app, deps);
  signInPages(app, deps);
  providerPages(app, deps);
  terminalSignIn(app, deps);
  consolePages(app, deps);
  for (const path of new Set(endpoints.map((endpoint) => routingPath(endpoint.path)))) {
    app.all(path, () => {
      throw new EstopError('method-not-allowed');
    });
  }
  app.notFound(() => problemResponse(new EstopError('not-found'), mintRequestId(), deps.log));
  app.onError((thrown, context) => {
    // A page of another site, before it was asked what it wants.
    if (errorCodeOf(thrown) === 'origin-refused') noteStranger(context, 'origin-refused', 'control');
    return problemResponse(thrown, mintRequestId(), deps.log);
  });
  return app;
}

/** The header has whole seconds. */
const clockToldMs = 1_000;

/** Of whoever is nobody here, or sends what a page of another site made them send. */
const codesOfStrangers: ReadonlySet<ErrorCode> = new Set(['unauthenticated', 'foreign-environment', 'origin-refused']);

async function serve(
  endpoint: Endpoint,
  context: Context,
  deps: ControlDeps,
  requestId: string,
  onRefused: (code: ErrorCode) => void,
): Promise<Response> {
  const begun = performance.now();
  const response = await answer(endpoint, context, deps, requestId, onRefused);
  deps.watch?.answered(endpoint.id, response.status, performance.now() - begun);
  return response;
}

async function answer(
  endpoint: Endpoint,
  context: Context,
  deps: ControlDeps,
  requestId: string,
  onRefused: (code: ErrorCode) => void,
): Promise<Response> {
  try {
    const asked = {
      identity: await authenticate(context, deps),
      requestId,
      // Its own word, and no more than that: who it is, its token says.
      way: context.req.header('estop-client') === 'cli' ? ('cli' as const) : ('api' as const),
      path: context.req.path,
      signal: context.req.raw.signal,
      cutOff: () => cutOff(context),
      header: (name: string) => context.req.header(name),
      idempotencyKey: context.req.header('idempotency-key'),
      callerNow: () => callerNow(context, deps),
      input: async () => {
        const body = endpoint.method === 'post' ? await readJson(context.req.raw) : { text: '', value: {} };
        return {
          path: pathParameters(endpoint, context),
          query: oneOfEach(context),
          body: body.value,
          text: body.text,
        };
      },
    };
    return toResponse(await perform(endpoint, asked, deps), requestId);
  } catch (thrown) {
    onRefused(errorCodeOf(thrown));
    const elsewhere =
      errorCodeOf(thrown) === 'stop-elsewhere' ? { location: new URL('/v1/stops', deps.stopUrl).href } : {};
    return problemResponse(thrown, requestId, deps.log, elsewhere);
  }
}

async function authenticate(context: Context, deps: ControlDeps): Promise<Caller> {
  const found = await findCaller(context, deps);
  if (!found.ok) throw new EstopError(found.code);
  return found.caller;
}

/** Parameters that come twice are a caller's mistake, and picking one of them would be a guess. */
function oneOfEach(context: Context): Record<string, string> {
  const entries = Object.entries(context.req.queries());
  const twice = entries.find(([, values]) => values.length > 1);
  if (twice !== undefined)
    throw new EstopError('invalid-input', {
      fields: [{ pointer: twice[0].slice(0, 64), message: 'This parameter is given twice.' }],
    });
  return Object.fromEntries(entries.map(([name, values]) => [name, values[0] ?? '']));
}

const verbOf = (path: string): string => /\}:([a-z-]+)$/.exec(path)?.[1] ?? '';

/** `{id}:hold` is one path segment to the router; the verb is cut off again in `pathParameters`. */
function routingPath(path: string): string {
  const verb = verbOf(path);
  const plain = verb === '' ? path : path.slice(0, -verb.length - 1);
  return plain.replaceAll(
    /\{([a-z]+)\}/gi,
    (_, name: string) => `:${name}{${verb === '' ? '[^/:]+' : `[^/:]+:${verb}`}}`,
  );
}

function pathParameters(endpoint: Endpoint, context: Context): Record<string, string> {
  const verb = verbOf(endpoint.path);
  const given: Record<string, string> = context.req.param();
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, verb === '' ? value : value.slice(0, -verb.length - 1)]),
  );
}

function toResponse(reply: Reply | Response, requestId: string): Response {
  if (reply instanceof Response) return reply;
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...reply.headers,
  };
  return new Response(reply.text?.() ?? JSON.stringify(reply.body), { status: reply.status, headers });
}
