import type { EstopConfig } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import type { TriggerSpec } from '../../contract/triggers.ts';
import { type AlertFields, fieldLength } from '../../core/trigger.ts';
import type { Store } from '../../store/pool.ts';
import {
  judgeAlert,
  type LedgerNews,
  listNewsToJudge,
  noteJudged,
  noteJudgeFailed,
  pruneFirings,
  type TriggerGround,
} from '../../store/triggers.ts';
import { failureOf, mostUnanswered } from './firing-round.ts';
import type { Round } from './keep-going.ts';

/** What follows from an alert or a stop besides: the part of the configuration that says so. */
export type ResponseConfig = TriggerGround & Pick<EstopConfig, 'triggers'>;

interface NewsDeps {
  readonly store: Store;
  readonly config: () => ResponseConfig | undefined;
  readonly log: Log;
}

const pauseMs = 150;
/** Where no trigger waits for any of it. */
const idleMs = 1_000;

/**
 * Turns what happens in the ledger into alerts of its own. Each once, whatever is configured: a trigger that is added later does not act
 * on what was before it. One that fails takes nothing from the others, and stays unjudged: what its other triggers have done of it is
 * the same when it comes again, after a while and behind what nobody has looked at.
 */
export function newsRound(deps: NewsDeps): Round {
  return {
    name: 'trigger-news',
    run: async () => {
      const ground = deps.config();
      const triggers = ground?.triggers?.filter(({ from }) => from === 'ledger') ?? [];
      const unanswered: unknown[] = [];
      const found = await listNewsToJudge(deps.store);
      for (const news of found) {
        if (unanswered.length >= mostUnanswered) break;
        try {
          await judgeOne(deps, ground, isOwn(news) ? [] : triggers, news);
        } catch (thrown) {
          unanswered.push(thrown);
        }
      }
      if (unanswered.length > 0) throw unanswered[0];
      return triggers.length === 0 && found.length === 0 ? idleMs : pauseMs;
    },
  };
}

export function firingTidyRound(store: Store, olderMs: number, atMost = 500): Round {
  return {
    name: 'firing-tidy',
    run: async () => ((await pruneFirings(store, olderMs, atMost)) < atMost ? 600_000 : 1_000),
  };
}

/** Throws where the store does not answer. */
async function judgeOne(
  { store, log }: NewsDeps,
  ground: ResponseConfig | undefined,
  triggers: readonly TriggerSpec[],
  news: LedgerNews,
): Promise<void> {
  const failed: { readonly triggerId: string; readonly thrown: unknown }[] = [];
  for (const { rules, triggerId } of ground === undefined ? [] : triggers) {
    try {
      const alert = { alertId: news.noticeId, fields: fieldsOf(news), name: news.event };
      const outcome = await judgeAlert(store, ground as ResponseConfig, triggerId, rules, alert); // without a ground there are no triggers
      if (outcome.kind === 'refused')
        log.error({ event: 'trigger.refused', triggerId, why: outcome.why }, 'a trigger could stop nothing');
    } catch (thrown) {
      failed.push({ triggerId, thrown });
    }
  }
  // The one that is worth another try, where there is one: what is given up is given up for all of them.
  const [first] = failed.toSorted((a, b) => Number(failureOf(a.thrown).isFinal) - Number(failureOf(b.thrown).isFinal));
  if (first === undefined) return noteJudged(store, news.noticeId);
  const { triggerId, thrown } = first;
  const failure = failureOf(thrown);
  const givenUp = await noteJudgeFailed(store, news.noticeId, triggerId, failure);
  log.error(
    {
      event: givenUp ? 'trigger.given-up' : 'trigger.not-judged',
      triggerId,
      noticeId: news.noticeId,
      code: failure.code,
    },
    givenUp ? 'an event is given up, and its trigger did nothing' : 'an event could not be judged; it is tried again',
  );
  if (failure.code === 'store-unavailable') throw thrown;
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
