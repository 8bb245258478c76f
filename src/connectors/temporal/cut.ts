import type { CuttingPhase } from '../../contract/phases.ts';
import type { CallContext, LedgerGrant, RevokeResult } from '../kit/contract.ts';
import { alreadyGone, notFound, retryable, revoked } from '../kit/results.ts';
import { createTombstone, handleOf, readStanding, type Standing } from './schedule.ts';
import type { Target } from './target.ts';
import { listRunning, terminateAll } from './workflows.ts';

export interface Cut {
  readonly target: Target;
  readonly grant: LedgerGrant;
  readonly context: CallContext;
}

export function cutOff(phase: CuttingPhase, cut: Cut): Promise<RevokeResult> {
  if (phase === 'fence') return pause(cut);
  if (phase === 'disable-integration') return bury(cut);
  return terminate(cut);
}

/** Reversible, and no more than a brake: whoever may trigger a schedule may trigger a paused one. */
async function pause({ target, grant, context }: Cut): Promise<RevokeResult> {
  const standing = await readStanding(target, grant, context);
  if (standing.kind !== 'live') return gone(grant, standing);
  const paused = await target.find('Pausing a schedule', context, (client) =>
    handleOf(client, grant).pause('estop: stopped'),
  );
  return paused === 'not-found' ? gone(grant, { kind: 'absent' }) : revoked;
}

/** The list of workflows lags and the schedule's own record is short: both are asked. */
async function terminate({ target, grant, context }: Cut): Promise<RevokeResult> {
  const standing = await readStanding(target, grant, context);
  const recorded = standing.kind === 'absent' ? [] : standing.started;
  const found = [...recorded, ...(await listRunning(target, grant, context))];
  await terminateAll(target, found, context);
  return found.length === 0 && standing.kind !== 'live' ? gone(grant, standing) : revoked;
}

const mostAttempts = 5;

/**
 * Deletes the schedule, which takes effect at once whatever it is doing, and takes its name, so that it cannot be made again. A
 * request of an issue may slip in between: then there is something to delete again.
 */
async function bury(cut: Cut): Promise<RevokeResult> {
  const { target, grant, context } = cut;
  let deleted = false;
  let started: readonly string[] = [];
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const standing = await readStanding(target, grant, context);
    if (standing.kind === 'tombstone') return deleted ? revoked : gone(grant, standing);
    if (standing.kind === 'live') {
      started = [...started, ...standing.started];
      await target.find('Deleting a schedule', context, (client) => handleOf(client, grant).delete());
      deleted = true;
    }
    const was = deleted || grant.state !== 'intended' ? 'cut' : 'never-made';
    const made = await target.make('Holding the name of a schedule', context, (client) =>
      createTombstone(client, grant, was, started),
    );
    if (made === 'made') return deleted ? revoked : gone(grant, { kind: 'absent' });
  }
  return retryable('The schedule comes back as often as it is deleted.');
}

/** Issued by us under a name of its own, so its absence means that it is gone; an intended one may never have been there. */
function gone(grant: LedgerGrant, standing: Standing): RevokeResult {
  const wasThere = standing.kind === 'tombstone' ? standing.was === 'cut' : grant.state !== 'intended';
  return wasThere ? alreadyGone : notFound('The schedule was planned; it is not known whether it was ever made.');
}
