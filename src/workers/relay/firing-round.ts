import type { Log } from '../../contract/identity.ts';
import type { StopOrder } from '../../contract/stop.ts';
import { errorCatalogue, errorCodeOf } from '../../core/errors.ts';
import { triggerActor } from '../../core/trigger.ts';
import type { Store } from '../../store/pool.ts';
import {
  type Failure,
  type Firing,
  listFiringsToLatch,
  noteFiringFailed,
  noteFiringLatched,
} from '../../store/triggers.ts';
import type { Round } from './keep-going.ts';

interface FiringDeps {
  readonly store: Store;
  /** The latch of anybody's stop: committed when it resolves, with the id under which it is; tried again when it throws. */
  readonly latch: (order: StopOrder) => Promise<string>;
  readonly log: Log;
}

const pauseMs = 150;
export const mostUnanswered = 3;

/**
 * Latches what alerts have asked for. It was written down before anything is done about it, so a relay that is killed in between
 * forgets nothing. One that cannot be latched holds up no other: it is tried again after a while, behind those that nobody has tried, and
 * what the store refuses for good is given up in the end, which people are told.
 */
export function firingRound(deps: FiringDeps): Round {
  return {
    name: 'triggers',
    run: async () => {
      const unanswered: unknown[] = [];
      for (const firing of await listFiringsToLatch(deps.store)) {
        // Each of them waits for the store: with the store away the newest would wait for all of them.
        if (unanswered.length >= mostUnanswered) break;
        try {
          await latchFiring(deps, firing);
        } catch (thrown) {
          unanswered.push(thrown);
        }
      }
      // What was not written down as failed is as it was, and comes again with the next round.
      if (unanswered.length > 0) throw unanswered[0];
      return pauseMs;
    },
  };
}

/** Throws where the store does not answer. */
async function latchFiring({ store, latch, log }: FiringDeps, firing: Firing): Promise<void> {
  const { action, alertId, stopId, triggerId, ...terms } = firing;
  if (stopId === undefined || action !== 'stop') return;
  let failure: unknown;
  try {
    const latchedAs = await latch({ ...terms, stopId, actor: triggerActor(triggerId), method: 'trigger' });
    if (await noteFiringLatched(store, stopId, latchedAs)) return;
  } catch (thrown) {
    failure = thrown;
  }
  const { code, isFinal } = failureOf(failure);
  const givenUp = await noteFiringFailed(store, stopId, { code, isFinal });
  log.error(
    { event: givenUp ? 'trigger.given-up' : 'trigger.not-latched', triggerId, alertId, stopId, code },
    givenUp ? 'the stop of a trigger is given up' : 'the stop of a trigger could not be latched; it is tried again',
  );
  if (code === 'store-unavailable') throw failure;
}

/** Undefined: it seemed to be done, and is not in the ledger. */
export function failureOf(thrown: unknown): Failure {
  const code = thrown === undefined ? 'not-in-ledger' : errorCodeOf(thrown);
  return { code, isFinal: code !== 'not-in-ledger' && errorCatalogue[code].retry === 'never' };
}
