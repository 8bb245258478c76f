import type { ServerResponse } from 'node:http';
import { type Problem, problemMediaType, problemOf } from '../../contract/problem.ts';
import { type ErrorCode, EstopError } from '../../core/errors.ts';

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

interface ProblemOptions {
  readonly detail?: string;
  readonly retryAfterMs?: number;
  /** Where a token comes from, for a client that was shown to have none. */
  readonly authenticate?: string | undefined;
}

/** How long a client that was told 503 had better wait: about one renewal. */
export const retrySoonMs = 1_000;

export function sendProblem(
  response: ServerResponse,
  code: ErrorCode,
  requestId: string,
  options: ProblemOptions = {},
): void {
  const problem: Problem = problemOf(new EstopError(code, detailsOf(options)), requestId);
  const text = JSON.stringify(problem);
  response.writeHead(problem.status, {
    'content-type': problemMediaType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    // The body may not have been read: whatever is left of it must not be taken for the next request.
    ...(problem.status === 401 || problem.status === 413 ? { connection: 'close' } : {}),
    ...(problem.status === 401 ? { 'www-authenticate': options.authenticate ?? 'Bearer realm="estop-gateway"' } : {}),
    ...(options.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(options.retryAfterMs / 1_000)) }),
  });
  response.end(text);
}

const detailsOf = ({ detail, retryAfterMs }: ProblemOptions): ConstructorParameters<typeof EstopError>[1] => ({
  ...(detail === undefined ? {} : { detail }),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
