import type { ErrorCode } from '../core/errors.ts';

const codes: ReadonlySet<ErrorCode> = new Set([
  'unreachable',
  'bad-answer',
  'idempotency-in-flight',
  'store-unavailable',
  'temporal-unavailable',
  'internal',
]);

/** Whether nobody can know, after this, if what was asked for was done. */
export const mayBeDone = (code: ErrorCode): boolean => codes.has(code);
