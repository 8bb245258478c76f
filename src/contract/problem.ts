/**
 * RFC 9457 problem details, the same from every process. `type` is the relative reference `/errors/<code>`: control serves a
 * page there, so that a person who follows it reads what the code means. Clients match `code`, which is the same everywhere; no
 * domain is ours for good, and a URL that looks resolvable and is not would be worse than a short one that is.
 */
import { type ErrorCode, errorCatalogue, errorCodeOf, type FieldError } from '../core/errors.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
  /** The id by which the log can be searched for the rest of the story. */
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterMs?: number;
  /** Where this request belongs instead (code `stop-elsewhere`). */
  readonly location?: string;
}

export const problemMediaType = 'application/problem+json';

interface Described {
  readonly detail?: unknown;
  readonly fields?: unknown;
  readonly retryAfterMs?: unknown;
}

/**
 * Only what the catalogue knows leaves the process: anything else is `internal`, without a word of what was thrown.
 * `internal` never carries its detail, however it came about.
 */
export function problemOf(thrown: unknown, requestId: string): Problem {
  const code = errorCodeOf(thrown);
  const { title, status } = errorCatalogue[code];
  const base = { type: `/errors/${code}`, title, status, code, requestId };
  if (code === 'internal') return base;
  const { detail, fields, retryAfterMs } = thrown as Described; // errorCodeOf has seen that it is an object with a code
  return {
    ...base,
    ...(typeof detail === 'string' ? { detail } : {}),
    ...(Array.isArray(fields) && fields.length > 0 ? { errors: fields.filter(isFieldError) } : {}),
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
  };
}

function isFieldError(value: unknown): value is FieldError {
  if (typeof value !== 'object' || value === null || !('pointer' in value) || !('message' in value)) return false;
  return typeof value.pointer === 'string' && typeof value.message === 'string';
}
