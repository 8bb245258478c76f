import { activityInfo, Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Log } from '../contract/identity.ts';
import { EstopError, errorCatalogue, errorCodeOf } from '../core/errors.ts';

const defaultDelayMs = 1_000;

/**
 * The only place where an error of ours becomes one of Temporal's. Only code and public title go into the history; the detail
 * and the cause, which may hold what a tool, a model or a database said, do not.
 */
export function toFailure(thrown: unknown): ApplicationFailure {
  const code = errorCodeOf(thrown);
  const { title: message, retry } = errorCatalogue[code];
  const asked = thrown instanceof EstopError ? thrown.retryAfterMs : undefined;
  const nextRetryDelay = asked ?? (retry === 'after' ? defaultDelayMs : undefined);
  return ApplicationFailure.create({
    message,
    type: code,
    // What is told late is tried again meanwhile: see cut-off.ts.
    nonRetryable: retry === 'never' && !(code === 'stopped' && asked !== undefined),
    ...(nextRetryDelay === undefined ? {} : { nextRetryDelay }),
  });
}

/** Counts attempts that failed; must return at once. */
export type FailureWatch = (activityType: string, code: string) => void;

type Activity = (...args: never[]) => Promise<unknown>;

/** Wraps every activity of a set. A cancelled attempt ends as cancelled, whatever its libraries made of the abort. */
export function atBoundary<Set extends { readonly [Name in keyof Set]: Activity }>(
  set: Set,
  log: Log,
  onFailure: FailureWatch = () => undefined,
): Set {
  const wrapped = Object.entries<Activity>(set).map(
    ([name, activity]) => [name, wrap(activity, log, onFailure)] as const,
  );
  return Object.fromEntries(wrapped) as Set; // same names, and functions of the same types
}

function wrap(activity: Activity, log: Log, onFailure: FailureWatch): Activity {
  return async (...args) => {
    const { cancellationSignal } = Context.current();
    try {
      return await activity(...args);
    } catch (thrown) {
      // Wrapped as a retryable failure, an abort would start another attempt of what was just cancelled.
      if (cancellationSignal.aborted) throw cancellationSignal.reason;
      const { activityType, attempt, workflowExecution } = activityInfo();
      log.warn(
        {
          event: 'activity.failed',
          activityType,
          attempt,
          workflowId: workflowExecution?.workflowId,
          ...described(thrown),
        },
        'an activity failed',
      );
      onFailure(activityType, errorCodeOf(thrown));
      throw toFailure(thrown);
    }
  };
}

/** Without messages that we did not write: a parser quotes its input, a model client carries the whole prompt. */
function described(thrown: unknown): object {
  const code = errorCodeOf(thrown);
  if (!(thrown instanceof Error)) return { code };
  const cause = thrown.cause instanceof Error ? thrown.cause.name : undefined;
  const at = thrown.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 5);
  return { code, detail: thrown instanceof EstopError ? thrown.detail : undefined, name: thrown.name, cause, at };
}
