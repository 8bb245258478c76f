import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { SecretAt } from '../../contract/config.ts';
import type { TriggerSpec } from '../../contract/triggers.ts';
import { EstopError, errorCatalogue, errorCodeOf } from '../../core/errors.ts';
import { type Alert, type AlertOutcome, aimAlert, judgeAlert } from '../../store/triggers.ts';
import type { ControlDeps } from '../deps.ts';
import { readJson } from '../read-json.ts';
import type { RefusedAttempts } from '../refused-attempts.ts';
import { createSourceOf } from '../sign-in/source-of.ts';
import { handToStopProcess } from '../stop-door.ts';
import { checkSender } from './alert-sender.ts';
import { readAlertmanager, readWebhook } from './read-alerts.ts';

/**
 * POST /v1/triggers/<name>: alerts of others. What an alert asks for is written down and committed before the answer; the relay latches
 * it. There is no limit on how many: a burst of stops raises an alarm, and is latched.
 * While the store is away a stop goes to the stop process, which needs no store, if there is a token for that; else nothing is taken, the
 * answer says so, and it is the sender who sends again.
 */
export function triggerDoor(app: OpenAPIHono, deps: ControlDeps, refused: RefusedAttempts): void {
  const readSecret = deps.readSecret ?? noSecret;
  const sourceOf = createSourceOf(deps.trustedProxies);
  app.post('/v1/triggers/:name', async (context) => {
    const trigger = deps.config.current().triggers?.find(({ triggerId }) => triggerId === context.req.param('name'));
    const { text, value } = await readJson(context.req.raw);
    const sent = { header: (name: string) => context.req.header(name), text };
    const verdict = checkSender(trigger, sent, readSecret, Date.now());
    if (trigger === undefined || verdict !== 'genuine') {
      deps.log.warn(
        { event: 'trigger.denied', trigger: context.req.param('name').slice(0, 63), verdict },
        'an alert came from nobody whom its trigger knows',
      );
      // What was asked for by name is of the sender's making, unless there is one of that name.
      const subject = trigger === undefined ? 'trigger:unknown' : `trigger:${trigger.triggerId}`;
      refused.note({ door: 'trigger', source: sourceOf(context) || 'unknown', subject, because: verdict });
      // The same for a trigger that there is not: whoever guesses names learns nothing.
      throw new EstopError('unauthenticated');
    }
    const alerts =
      trigger.from === 'webhook' ? readWebhook(sent.header('webhook-id') ?? '', value) : readAlertmanager(value);
    return answer(context, deps, trigger.triggerId, await takeAll(deps, trigger, alerts));
  });
}

type Done = readonly [Alert, AlertOutcome];

/** So many wait for a store that is slow at the same time, and not one after the other. */
const atOnce = 16;

/** Each by itself: one that has to wait for the store, or came to nothing, holds up no stop that another asks for. */
async function takeAll(deps: ControlDeps, trigger: TriggerSpec, alerts: readonly Alert[]): Promise<readonly Taken[]> {
  const all: Taken[] = [];
  for (let next = 0; next < alerts.length; next += atOnce) {
    // Nobody waits again for a store for which the others have waited: the last stop of a long delivery would come minutes late.
    const isAway =
      all.filter((one) => ('done' in one ? one.isElsewhere : isUnanswered(one.failed))).length >= mostUnanswered;
    const taken = alerts.slice(next, next + atOnce).map((alert) => tryAlert(deps, trigger, alert, isAway));
    all.push(...(await Promise.all(taken)));
  }
  return all;
}

const mostUnanswered = 3;
const isUnanswered = (thrown: unknown): boolean => errorCodeOf(thrown) === 'store-unavailable';

type Taken =
  /** `isElsewhere`: by the stop process, because the store did not answer. */
  { readonly done: Done; readonly isElsewhere: boolean } | { readonly alertId: string; readonly failed: unknown };

async function tryAlert(deps: ControlDeps, trigger: TriggerSpec, alert: Alert, isAway: boolean): Promise<Taken> {
  try {
    const { outcome, isElsewhere } = await takeAlert(deps, trigger, alert, isAway);
    return { done: [alert, outcome], isElsewhere };
  } catch (thrown) {
    return { alertId: alert.alertId, failed: thrown };
  }
}

async function takeAlert(
  deps: ControlDeps,
  trigger: TriggerSpec,
  alert: Alert,
  isAway: boolean,
): Promise<{ readonly outcome: AlertOutcome; readonly isElsewhere: boolean }> {
  const { triggerId, rules, outageToken } = trigger;
  const aimed = aimAlert(deps.config.current(), triggerId, rules, alert);
  try {
    if (isAway && aimed.kind !== 'ignored') throw new EstopError('store-unavailable');
    return {
      outcome: await judgeAlert(deps.store, deps.config.current(), triggerId, rules, alert),
      isElsewhere: false,
    };
  } catch (thrown) {
    if (!isUnanswered(thrown) || outageToken === undefined) throw thrown;
    if (aimed.kind !== 'firing' || aimed.firing.stopId === undefined) throw thrown;
    const { category, graceMs, reason: why, scopeKey, stopId } = aimed.firing;
    const token = (deps.readSecret ?? noSecret)(outageToken).trim();
    const reason = `${why} (trigger ${triggerId}, while the store was away)`;
    const order = { method: 'trigger', stopId, scopeKey, category, graceMs, reason } as const;
    await handToStopProcess(deps.stopUrl, order, { authorization: `Bearer ${token}` });
    return { outcome: { kind: 'fired', fresh: true, action: 'stop', scopeKey, stopId }, isElsewhere: true };
  }
}

function answer(context: Context, { log }: ControlDeps, triggerId: string, taken: readonly Taken[]): Response {
  const done = taken.flatMap((one) => ('done' in one ? [one.done] : []));
  for (const [{ alertId }, outcome] of done)
    if (outcome.kind === 'refused')
      log.error({ event: 'trigger.refused', triggerId, alertId, why: outcome.why }, 'a trigger could stop nothing');
    else if (outcome.kind === 'fired')
      log.warn({ event: 'trigger.fired', triggerId, alertId, ...outcome }, 'a trigger fired');
  const failures = taken.flatMap((one) => ('failed' in one ? [one.failed] : []));
  // Of several failures the one that ends when it is all sent again: what was done is the same when it comes once more.
  const failed = failures.find((one) => errorCodeOf(one) === 'store-unavailable') ?? failures[0];
  if (failed !== undefined && done.length === 0) throw failed;
  // Nothing was done, and something should have been: the sender must not take that for a success.
  const isRefused = done.some(([, { kind }]) => kind === 'refused') && !done.some(([, { kind }]) => kind === 'fired');
  const alerts = taken.map((one) =>
    'done' in one
      ? show(one.done[0].alertId, one.done[1])
      : { alertId: one.alertId, outcome: 'failed', code: errorCodeOf(one.failed) },
  );
  if (failed === undefined) return context.json({ alerts }, isRefused ? 422 : 202);
  // Only so is it sent again; which of them failed stands beside those that did not.
  log.error({ event: 'trigger.failed', triggerId, codes: failures.map(errorCodeOf) }, 'not every alert could be taken');
  return Response.json({ alerts }, { status: errorCatalogue[errorCodeOf(failed)].status });
}

function show(alertId: string, outcome: AlertOutcome): object {
  switch (outcome.kind) {
    case 'ignored':
      return { alertId, outcome: 'ignored' };
    case 'refused':
      return { alertId, outcome: 'refused', why: outcome.why };
    case 'fired': {
      const { action, fresh, scopeKey, stopId } = outcome;
      return { alertId, outcome: action, fresh, scopeKey, ...(stopId === undefined ? {} : { stopId }) };
    }
  }
}

function noSecret(_at: SecretAt): string {
  throw new EstopError('secret-missing', { detail: 'this process was given no way to read secrets' });
}
