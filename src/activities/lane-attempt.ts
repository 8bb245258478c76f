import { activityInfo } from '@temporalio/activity';
import { longestPauseMs } from '../connectors/kit/retry-after.ts';
import type { Log } from '../contract/identity.ts';
import type { Phase } from '../contract/phases.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { isConcluded, type Lane } from '../store/lane-record.ts';
import { beginPhase, noteAttemptFailed, type PhaseAttempt, type PhaseKey } from '../store/lanes.ts';
import type { Store } from '../store/pool.ts';

const firstPauseMs = 250;
const pauseCeilingMs = 30_000;
/** By then a last probe has been tried for a minute. Of a lane that is open its workflow tells people. */
const lastProbesUntold = 8;

interface Failure {
  readonly why: string;
  readonly needsHuman?: string;
  readonly retryAfterMs?: number;
}

/**
 * Throws while the system wants to be left alone. What it said was heard by whoever asked it: a crowd that has parted since, a run that
 * was ended, a worker that was killed. So the ledger is asked, by each attempt. rule: idempotent-by-obligation-phase
 */
export async function beginAttempt(store: Store, key: PhaseKey): Promise<Exclude<PhaseAttempt, { kind: 'put-off' }>> {
  const begun = await beginPhase(store, key);
  if (begun.kind !== 'put-off') return begun;
  const detail = `${key.phase}: its system asked to be left alone`;
  throw new EstopError('connector-unavailable', { detail, retryAfterMs: begun.forMs });
}

/**
 * Writes down what went wrong, for people, and gives the error that makes Temporal try again: always, in the end. A lane that needs a
 * person goes on trying, slowly. The history gets a code; what a system said stays in the ledger.
 */
export async function failAttempt(
  deps: { readonly store: Store; readonly log: Log },
  lane: Lane,
  phase: Phase,
  thrown: unknown,
): Promise<EstopError> {
  const failure = asFailure(thrown);
  const { attempt } = activityInfo();
  const backoffMs =
    failure.needsHuman === undefined ? Math.min(firstPauseMs * 2 ** (attempt - 1), pauseCeilingMs) : pauseCeilingMs;
  const askedMs = askedPause(failure.retryAfterMs);
  const pauseMs = Math.max(backoffMs, askedMs ?? 0);
  const error = `${phase}: ${failure.why}`;
  const needsHuman = failure.needsHuman ?? (isConcluded(lane) ? afterManyProbes(attempt, failure.why) : undefined);
  await noteAttemptFailed(deps.store, {
    obligationId: lane.obligationId,
    round: lane.round,
    wasProved: isConcluded(lane),
    error,
    pauseMs,
    isPauseAsked: askedMs !== undefined,
    ...(needsHuman === undefined ? {} : { needsHuman }),
  });
  deps.log.info(
    {
      event: 'lane.attempt-failed',
      obligationId: lane.obligationId,
      connector: lane.connector,
      phase,
      attempt,
      why: failure.why,
    },
    'an attempt failed; it is tried again',
  );
  return new EstopError('connector-unavailable', { detail: error, retryAfterMs: pauseMs });
}

const afterManyProbes = (attempt: number, why: string): string | undefined =>
  attempt > lastProbesUntold ? `its last probe failed ${attempt} times: ${why}; it is still being tried` : undefined;

/** A connector may be anybody's: what it read off its system is no reason to wait for years, or for no time that there is. */
const askedPause = (ms: number | undefined): number | undefined =>
  ms !== undefined && ms > 0 ? Math.min(ms, longestPauseMs) : undefined;

function asFailure(thrown: unknown): Failure {
  if (isFailure(thrown)) return thrown;
  const code = errorCodeOf(thrown);
  const detail = thrown instanceof EstopError && thrown.detail !== undefined ? `: ${thrown.detail}` : '';
  const retryAfterMs = thrown instanceof EstopError ? thrown.retryAfterMs : undefined;
  const why = `${code}${detail}`;
  // Our own credential refused, or our own keys or configuration wrong: trying alone will not mend it.
  const hopeless =
    code === 'connector-refused' ||
    code === 'key-unknown' ||
    code === 'sealed-data-invalid' ||
    code === 'secret-missing' ||
    code === 'not-found';
  return { why, ...(hopeless ? { needsHuman: why } : {}), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function isFailure(thrown: unknown): thrown is Failure {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    !(thrown instanceof Error) &&
    'why' in thrown &&
    typeof thrown.why === 'string'
  );
}
