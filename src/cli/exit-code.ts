import type { ErrorCode } from '../core/errors.ts';

/** What a script can rely on; each means one thing. */
export const exitCodes = {
  confirmed: 0,
  error: 1,
  usage: 2,
  /** Done in part, and the rest needs time or a person. */
  partial: 3,
  auth: 4,
  notFound: 5,
  /** The stop stands, and was not confirmed within --wait. */
  latchedOnly: 6,
  unreachable: 7,
  declined: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byCode: Partial<Record<ErrorCode, ExitCode>> = {
  'invalid-input': exitCodes.usage,
  'invalid-json': exitCodes.usage,
  'body-too-large': exitCodes.usage,
  'idempotency-mismatch': exitCodes.usage,
  unauthenticated: exitCodes.auth,
  'foreign-environment': exitCodes.auth,
  forbidden: exitCodes.auth,
  'origin-refused': exitCodes.auth,
  'approval-not-eligible': exitCodes.auth,
  'not-found': exitCodes.notFound,
  'unknown-agent': exitCodes.notFound,
  'unknown-task': exitCodes.notFound,
  'unknown-stop': exitCodes.notFound,
  'unknown-approval': exitCodes.notFound,
  'unknown-obligation': exitCodes.notFound,
  'unknown-tool': exitCodes.notFound,
  'needs-second-person': exitCodes.partial,
  unreachable: exitCodes.unreachable,
};

export const exitCodeOf = (code: ErrorCode): ExitCode => byCode[code] ?? exitCodes.error;
