import { EstopError, type FieldError, isErrorCode } from '../core/errors.ts';

/**
 * An answer that is not 2xx, as the error it stands for. A proxy's HTML page has no code of ours: it becomes `unreachable` when
 * it says the server behind it is, and `bad-answer` otherwise, so that a proxy's 404 is never taken for our `unknown-task`.
 */
export function readProblem(response: { readonly status: number }, text: string): EstopError {
  const body = parse(text);
  const code = body['code'];
  if (!isErrorCode(code)) {
    const isGateway = [502, 503, 504].includes(response.status);
    return new EstopError(isGateway ? 'unreachable' : 'bad-answer', {
      detail: `${response.status} without a code of this API`,
    });
  }
  const requestId = typeof body['requestId'] === 'string' ? body['requestId'] : undefined;
  const detail = typeof body['detail'] === 'string' ? body['detail'] : undefined;
  const retryAfterMs = typeof body['retryAfterMs'] === 'number' ? body['retryAfterMs'] : undefined;
  const location = typeof body['location'] === 'string' ? body['location'] : undefined;
  const note = code === 'internal' && requestId !== undefined ? `request ${requestId}` : (detail ?? location);
  return new EstopError(code, {
    ...(note === undefined ? {} : { detail: note }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    fields: Array.isArray(body['errors']) ? body['errors'].filter(isFieldError) : [],
  });
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}; // read key by key, each checked
  } catch {
    return {};
  }
}

function isFieldError(value: unknown): value is FieldError {
  if (typeof value !== 'object' || value === null || !('pointer' in value) || !('message' in value)) return false;
  return typeof value.pointer === 'string' && typeof value.message === 'string';
}
