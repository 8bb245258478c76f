import type { EstopConfig } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import type { StopOrder } from '../../contract/stop.ts';
import { type AlertFields, fieldLength, triggerActor } from '../../core/trigger.ts';
import type { Store } from '../../store/pool.ts';
import {
  judgeAlert,
  type LedgerNews,
  listFiringsToLatch,
  listNewsToJudge,
  noteFiringLatched,
  noteJudged,
  pruneFirings,
  type TriggerGround,
} from '../../store/triggers.ts';
import type { Round } from './keep-going.ts';

/** What follows from an alert or a stop besides: the part of the configuration that says so. */
export type ResponseConfig = TriggerGround & Pick<EstopConfig, 'triggers'>;

interface TriggerDeps {
  readonly store: Store;
  readonly config: () => ResponseConfig | undefined;
  /** The latch of anybody's stop: committed when it resolves, tried again when it throws. */
  readonly latch: (order: StopOrder) => Promise<void>;
  readonly log: Log;
}

const pauseMs = 150;

/**
 * Latches what alerts have asked for, and turns what happens in the ledger into alerts of its own. What was asked for is written down
 * before anything is done about it, so a relay that is killed in between forgets nothing; and latching comes first in every round.
 */
export function triggerRound(deps: TriggerDeps): Round {
  return {
    name: 'triggers',
    run: async () => {
      await latchFirings(deps);
      if ((await judgeNews(deps)) > 0) await latchFirings(deps);
      return pauseMs;
    },
  };
}

export function firingTidyRound(store: Store, olderMs: number, atMost = 500): Round {
  return {
    name: 'firing-tidy',
    run: async () => ((await pruneFirings(store, olderMs, atMost)) < atMost ? 600_000 : 1_000),
  };
}

/** One that cannot be latched holds up no other. */
async function latchFirings({ store, latch, log }: TriggerDeps): Promise<void> {
  let failure: { readonly thrown: unknown } | undefined;
  for (const { action, alertId, stopId, triggerId, ...terms } of await listFiringsToLatch(store)) {
    if (stopId === undefined || action !== 'stop') continue;
    try {
      await latch({ ...terms, stopId, actor: triggerActor(triggerId), method: 'trigger' });
      if (await noteFiringLatched(store, stopId)) continue;
      log.error(
        { event: 'trigger.not-latched', triggerId, alertId, stopId },
        'the stop of a trigger is not in the ledger',
      );
    } catch (thrown) {
      failure = { thrown };
    }
  }
  if (failure !== undefined) throw failure.thrown;
}

/** Each once, whatever is configured: a trigger that is added later does not act on what was before it. */
async function judgeNews({ store, config, log }: TriggerDeps): Promise<number> {
  const ground = config();
  const triggers = ground?.triggers?.filter(({ from }) => from === 'ledger') ?? [];
  let fired = 0;
  for (const news of await listNewsToJudge(store)) {
    for (const { triggerId, rules } of ground === undefined || isOwn(news) ? [] : triggers) {
      const alert = { alertId: news.noticeId, fields: fieldsOf(news), name: news.event };
      const outcome = await judgeAlert(store, ground as ResponseConfig, triggerId, rules, alert); // without a ground there are no triggers
      if (outcome.kind === 'fired') fired += 1;
      if (outcome.kind === 'refused')
        log.error({ event: 'trigger.refused', triggerId, why: outcome.why }, 'a trigger could stop nothing');
    }
    await noteJudged(store, news.noticeId);
  }
  return fired;
}

/** A hold that a trigger made is no reason for another trigger. */
const isOwn = ({ facts }: LedgerNews): boolean => facts['breaker'] === 'trigger';

function fieldsOf({ agents, event, facts, subject }: LedgerNews): AlertFields {
  const [agent] = agents;
  const texts = Object.entries(facts).flatMap(([name, value]) =>
    (typeof value === 'string' || typeof value === 'number') && String(value).length <= fieldLength
      ? [[name, String(value)] as const]
      : [],
  );
  return {
    ...Object.fromEntries(texts),
    event,
    subject,
    ...(agents.length === 1 && agent !== undefined ? { agent } : {}),
    ...(subject.startsWith('tool:') ? { tool: subject.slice('tool:'.length) } : {}),
  };
}
