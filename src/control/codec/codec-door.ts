import { randomBytes } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { signInCookieName } from '../../contract/sign-in-cookies.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { noteDecoded } from '../../store/audit.ts';
import { byWay } from '../../store/by-way.ts';
import type { ControlDeps } from '../deps.ts';
import { createCallerGuard } from '../guard-caller.ts';
import { parseInput } from '../parse-input.ts';
import { whoIsNotKnown } from '../perform.ts';
import { isOverAll } from '../permission.ts';
import { problemResponse } from '../problem-response.ts';
import { readJson } from '../read-json.ts';
import { recordDenial } from '../record-denial.ts';
import { type Caller, findCaller, shownIn } from '../sign-in/caller.ts';
import { failedSignIns } from '../sign-in/failed-sign-in.ts';
import { readSecretCookie } from '../sign-in/sign-in-cookie.ts';
import { fromWire, type Payload, toWire, WirePayloads } from './payloads.ts';

/** Opens what it can; what it cannot it hands back as it came. */
export type OpenPayloads = (payloads: Payload[]) => Promise<Payload[]>;

const path = '/codec/decode';
const preflightSeconds = '600';
/** Temporal takes 2 MB in one payload; base64 and some company on top. */
const ceilingBytes = 4 * 1024 * 1024;
const namespacePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * POST /codec/decode, the remote codec protocol of Temporal: its UI and its command line show histories opened, to people who may see
 * them, and nothing of it leaves this API in the clear for anybody else. There is no /encode: nobody needs one to read, and whoever had
 * one could make payloads that look as if a process of ours had sealed them.
 *
 * The request says which namespace it is about and not which workflow, so a role that is bound to labels opens nothing, and the record
 * says who, from where, which namespace and how much, one entry for one reading, which is dozens of requests. It is written before anything is handed out: what cannot be recorded stays sealed.
 */
export function codecDoor(app: OpenAPIHono, deps: ControlDeps): void {
  const uiOrigin = deps.temporalUiUrl === undefined ? undefined : new URL(deps.temporalUiUrl).origin;
  const guard = createCallerGuard(deps.controlUrl, deps.hostNames, uiOrigin);
  const allowOrigin = (context: Context): void => {
    context.header('vary', 'origin');
    if (uiOrigin === undefined || context.req.header('origin') !== uiOrigin) return;
    context.header('access-control-allow-origin', uiOrigin);
    context.header('access-control-allow-credentials', 'true');
  };
  app.options(path, (context) => {
    guard(context.req.raw);
    allowOrigin(context);
    context.header('access-control-allow-methods', 'POST');
    context.header('access-control-allow-headers', 'authorization, content-type, x-namespace');
    context.header('access-control-max-age', preflightSeconds);
    return context.body(null, 204);
  });
  app.post(path, async (context) => {
    context.header('cache-control', 'no-store');
    try {
      guard(context.req.raw);
      allowOrigin(context);
      return context.json(await decode(context, deps, uiOrigin));
    } catch (thrown) {
      const response = problemResponse(thrown, formatId('req', deps.environment, randomBytes(16)), deps.log);
      for (const [name, value] of context.res.headers)
        if (name.startsWith('access-control-')) response.headers.set(name, value);
      return response;
    }
  });
}

async function decode(context: Context, deps: ControlDeps, uiOrigin: string | undefined): Promise<object> {
  if (deps.openPayloads === undefined) throw new EstopError('not-found');
  const caller = await callerFrom(context, deps, uiOrigin);
  if (caller.isFromMemory === true) throw new EstopError('store-unavailable', { detail: whoIsNotKnown });
  if (!isOverAll(caller, 'task:decrypt')) {
    deps.watch?.decoded('refused', 1);
    await recordDenial({ ...deps, store: byWay(deps.store, 'codec') }, caller, 'decodePayloads', path, 'forbidden');
    throw new EstopError('forbidden', { detail: 'This needs task:decrypt, over every agent.' });
  }
  const { value } = await readJson(context.req.raw, ceilingBytes);
  const { payloads } = parseInput(WirePayloads, value, 'body');
  const sealed = payloads.map(fromWire);
  const opened = await deps.openPayloads(sealed);
  const count = opened.filter((payload, index) => payload !== sealed[index]).length;
  await record(context, deps, caller, { payloads: payloads.length, opened: count });
  deps.watch?.decoded('opened', count);
  deps.watch?.decoded('failed', payloads.length - count);
  return { payloads: opened.map(toWire) };
}

/** By token from a command line; by the cookie of a sign-in from Temporal's UI, where that is the one we are told of. */
async function callerFrom(context: Context, deps: ControlDeps, uiOrigin: string | undefined): Promise<Caller> {
  const isFromUi = uiOrigin !== undefined && context.req.header('origin') === uiOrigin;
  const secret = readSecretCookie(context, deps, signInCookieName(deps.environment));
  if (isFromUi && context.req.header('authorization') === undefined && secret !== undefined) {
    const caller = await deps.callers.find({ kind: 'cookie', secret });
    if (caller !== undefined) return caller;
  }
  const found = await findCaller(context, deps);
  if (found.ok) return found.caller;
  failedSignIns(deps)(context, { door: 'codec', because: found.code, what: path, ...shownIn(context, deps) });
  throw new EstopError(found.code);
}

async function record(
  context: Context,
  deps: ControlDeps,
  caller: Caller,
  counts: { readonly payloads: number; readonly opened: number },
): Promise<void> {
  const asked = context.req.header('x-namespace') ?? '';
  const namespace = namespacePattern.test(asked) ? asked : 'unknown';
  const { elevation } = caller;
  try {
    await noteDecoded(byWay(deps.store, 'codec', elevation !== undefined), {
      actor: caller.actor,
      subject: `namespace:${namespace}`,
      ...counts,
      facts: {
        from: context.req.header('origin') ?? 'command line',
        ...(elevation === undefined ? {} : { elevation: elevation.elevationId }),
      },
    });
  } catch (thrown) {
    deps.log.warn(
      { event: 'codec.not-recorded', code: errorCodeOf(thrown) },
      'payloads stay sealed: nobody could record it',
    );
    throw thrown;
  }
}
