import type { Context } from 'hono';
import type { RefusedAttempt } from '../../store/refused-attempts.ts';
import type { ControlDeps } from '../deps.ts';
import { createSourceOf } from './source-of.ts';

interface Failed {
  readonly door: RefusedAttempt['door'];
  /** Why; a word of ours. */
  readonly because: string;
  /** Whom it would have signed in, where the ledger knows that. */
  readonly claims?: string;
  /** What was tried, where it is not a sign-in. */
  readonly what?: string;
  /** Hash of what was shown. */
  readonly shown?: string;
}

export type NoteFailedSignIn = (context: Context, failed: Failed) => void;

/** For the audit, counted as every attempt of nobody who is known: from where, as whom, and why not. Never what was shown. */
export function failedSignIns(deps: ControlDeps): NoteFailedSignIn {
  const sourceOf = createSourceOf(deps.trustedProxies);
  return (context, { door, because, claims, what = 'sign-in', shown }) =>
    deps.refused?.note({
      door,
      source: sourceOf(context) || 'unknown',
      subject: claims === undefined ? what : `person:${claims}`,
      because,
      ...(shown === undefined ? {} : { shown }),
    });
}
