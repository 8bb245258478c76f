import { type ErrorCode, isErrorCode } from '../core/errors.ts';

/** RFC 9457: our own problem details carry the catalogue's code. */
export function ownCode(body: unknown): ErrorCode | undefined {
  return typeof body === 'object' && body !== null && 'code' in body && isErrorCode(body.code) ? body.code : undefined;
}

/** From elsewhere only the status is known. */
export function problemCode(body: unknown, status: number): ErrorCode {
  const said = ownCode(body);
  if (said !== undefined) return said;
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  return status >= 500 ? 'upstream-unavailable' : 'upstream-refused';
}
