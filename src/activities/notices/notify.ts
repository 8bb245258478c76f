import type { NotifyActivities } from '../../contract/activities.ts';
import type { SecretAt } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import type { EndpointSpec, NotificationsSpec } from '../../contract/notifications.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { escalate, hears } from '../../core/notice.ts';
import { alsoHear } from '../../core/playbook.ts';
import { getAgent } from '../../store/agents.ts';
import {
  attemptsOf,
  beginDelivery,
  type DeliveryKey,
  endDelivery,
  getNotice,
  type NoticeRecord,
  type PlannedDelivery,
  planDeliveries,
  settleNotice,
} from '../../store/notices.ts';
import { boundPlaybook } from '../../store/playbooks.ts';
import type { Store } from '../../store/pool.ts';
import { beating } from '../heartbeat.ts';
import type { Answer } from './channel.ts';
import { createLanes } from './lanes.ts';
import { sendToSlack } from './slack-channel.ts';
import { sendWebhook } from './webhook-channel.ts';

export interface NotifyDeps {
  readonly store: Store;
  readonly environment: string;
  readonly notifications: () => NotificationsSpec | undefined;
  /** Where people go from a message. */
  readonly consoleUrl: string;
  readonly readSecret: (at: SecretAt) => string;
  readonly log: Log;
}

/** Idempotent by (notice, endpoint, rung): what the ledger has as ended is not done again. */
export function createNotifyActivities(deps: NotifyDeps): NotifyActivities {
  const { store, log } = deps;
  const lanes = createLanes();
  return {
    planNotice: async (noticeId) => {
      const notice = await getNotice(store, noticeId);
      if (notice === undefined) return [];
      const deliveries = await planDeliveries(store, noticeId, await plan(deps, notice));
      const age = Date.now() - Date.parse(notice.notedAt);
      return deliveries
        .filter(({ state }) => state === 'open')
        .map(({ endpoint, rung, afterMs }) => ({ endpoint, rung, waitMs: Math.max(0, afterMs - Math.max(0, age)) }));
    },
    deliverNotice: async (key) => {
      const tried = await attemptsOf(store, key);
      if (tried === undefined) return { answer: 'skipped' };
      const lane = await lanes.enter(key.endpoint, tried === 0);
      if (lane.kind === 'full')
        throw new EstopError('connector-unavailable', {
          detail: `${key.endpoint}: others are under way`,
          retryAfterMs: lane.afterMs,
        });
      try {
        return await attempt(deps, key);
      } finally {
        lane.leave();
      }
    },
    giveUpDelivery: async (key) => {
      await endDelivery(store, key, 'failed', 'given up after a day of trying');
      log.error({ event: 'notify.given-up', ...key }, 'an endpoint could not be told of a notice');
    },
    settleNotice: (noticeId) => settleNotice(store, noticeId),
  };
}

async function attempt(
  deps: NotifyDeps,
  key: DeliveryKey,
): Promise<{ readonly answer: 'delivered' | 'skipped' | 'failed' }> {
  const { store } = deps;
  const notice = await getNotice(store, key.noticeId);
  const nth = await beginDelivery(store, key);
  if (notice === undefined || nth === undefined) return { answer: 'skipped' };
  const endpoint = deps.notifications()?.endpoints.find(({ endpointId }) => endpointId === key.endpoint);
  const skip = async (why: string) => {
    await endDelivery(store, key, 'skipped', why);
    return { answer: 'skipped' as const };
  };
  if (endpoint === undefined) return skip('it is no longer configured');
  // Somebody has seen it: nobody else is called. Looked at right before it is sent.
  if (key.rung !== '' && notice.ackedBy !== undefined) return skip(`acknowledged by ${notice.ackedBy}`);
  return deliver(deps, key, endpoint, notice, nth);
}

/** Twice as long each time, by what was really tried; a receiver that asks for more gets an hour at most. */
const pauseAfter = (nth: number, askedMs: number | undefined): number =>
  askedMs === undefined ? Math.min(1_000 * 2 ** Math.min(nth - 1, 10), 600_000) : Math.min(askedMs, 3_600_000);

async function plan({ store, notifications }: NotifyDeps, notice: NoticeRecord): Promise<readonly PlannedDelivery[]> {
  const spec = notifications();
  if (spec === undefined) return [];
  if (notice.event === 'notify.test') {
    const only = notice.facts['endpoint'];
    const tested = spec.endpoints.filter(({ endpointId }) => only === undefined || endpointId === only);
    return tested.map(({ endpointId }) => ({ endpoint: endpointId, rung: '', afterMs: 0 }));
  }
  const agents = await Promise.all(notice.agents.map((agentId) => getAgent(store, agentId)));
  const known = agents.flatMap((agent) => (agent === undefined ? [] : [agent]));
  const besides = alsoHear(await boundPlaybook(store, notice.subject), notice.event);
  const hearing = spec.endpoints
    .filter(({ endpointId, events }) => hears(events, notice.event) || besides.includes(endpointId))
    .map(({ endpointId }) => ({ endpoint: endpointId, rung: '', afterMs: 0 }));
  // Who hears of it anyway at this moment is not called for it as well.
  const called = escalate(spec.escalation, notice.event, known).filter(
    ({ endpoint, afterMs }) => afterMs > 0 || !hearing.some((one) => one.endpoint === endpoint),
  );
  return [...hearing, ...called];
}

async function deliver(deps: NotifyDeps, key: DeliveryKey, endpoint: EndpointSpec, notice: NoticeRecord, nth: number) {
  const { store, log } = deps;
  let answer: Answer;
  try {
    answer = await beating((signal) =>
      endpoint.type === 'webhook'
        ? sendWebhook(deps, endpoint, notice, key.rung, signal)
        : sendToSlack(deps, endpoint, notice, key.rung, signal),
    );
  } catch (thrown) {
    // A code, never a message: what a stranger answered belongs into no ledger.
    answer = { kind: 'failed', answer: errorCodeOf(thrown) };
  }
  switch (answer.kind) {
    case 'delivered':
      await endDelivery(store, key, 'delivered', answer.answer);
      return { answer: 'delivered' as const };
    case 'refused':
      await endDelivery(store, key, 'failed', answer.answer);
      log.error({ event: 'notify.refused', ...key, answer: answer.answer }, 'an endpoint wants no notices any more');
      return { answer: 'failed' as const };
    case 'failed': {
      await endDelivery(store, key, 'open', answer.answer, answer.retryAfterMs !== undefined);
      throw new EstopError('connector-unavailable', {
        detail: `${key.endpoint}: ${answer.answer}`,
        retryAfterMs: pauseAfter(nth, answer.retryAfterMs),
      });
    }
  }
}
