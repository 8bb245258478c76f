import type { EstopConfig } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import type { StopOrder } from '../../contract/stop.ts';
import type { TriggerSpec } from '../../contract/triggers.ts';
import { errorCodeOf } from '../../core/errors.ts';
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
const mostUnanswered = 3;

/**
 * Latches what alerts have asked for, and turns what happens in the ledger into alerts of its own. What was asked for is written down
 * before anything is done about it, so a relay that is killed in between forgets nothing; and latching comes first in every round.
 */
export function triggerRound(deps: TriggerDeps): Round {
  return {
    name: 'triggers',
    run: async () => {
      const failures = [...(await latchFirings(deps))];
      const judged = await judgeNews(deps);
      failures.push(...judged.failures);
      if (judged.fired > 0) failures.push(...(await latchFirings(deps)));
      // What failed is still there, and comes again with the next round.
      if (failures.length > 0) throw failures[0];
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
async function latchFirings({ store, latch, log }: TriggerDeps): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
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
      failures.push(thrown);
    }
  }
  return failures;
}

interface Judged {
  readonly fired: number;
  readonly failures: readonly unknown[];
}

/**
 * Each once, whatever is configured: a trigger that is added later does not act on what was before it. One that fails takes nothing
 * from the others, and stays unjudged: what its other triggers have done of it is the same when it comes again.
 */
async function judgeNews(deps: TriggerDeps): Promise<Judged> {
  const ground = deps.config();
  const triggers = ground?.triggers?.filter(({ from }) => from === 'ledger') ?? [];
  const failures: unknown[] = [];
  let fired = 0;
  for (const news of await listNewsToJudge(deps.store)) {
    // Each of them waits for the store: with the store away the orders would wait for all of them.
    if (failures.filter((one) => errorCodeOf(one) === 'store-unavailable').length >= mostUnanswered) break;
    const before = failures.length;
    for (const trigger of ground === undefined || isOwn(news) ? [] : triggers) {
      try {
        if (await judgeOne(deps, ground as ResponseConfig, trigger, news)) fired += 1; // without a ground there are no triggers
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (failures.length > before) continue;
    await noteJudged(deps.store, news.noticeId).catch((thrown: unknown) => failures.push(thrown));
  }
  return { fired, failures };
}

async function judgeOne(
  { store, log }: TriggerDeps,
  ground: ResponseConfig,
  { triggerId, rules }: TriggerSpec,
  news: LedgerNews,
): Promise<boolean> {
  const alert = { alertId: news.noticeId, fields: fieldsOf(news), name: news.event };
  const outcome = await judgeAlert(store, ground, triggerId, rules, alert);
  if (outcome.kind === 'refused')
    log.error({ event: 'trigger.refused', triggerId, why: outcome.why }, 'a trigger could stop nothing');
  return outcome.kind === 'fired';
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
