import { z } from 'zod';
import { type ErrorCode, EstopError } from '../core/errors.ts';

const Body = z.object({ error: z.object({ code: z.string() }) });

/** What the gateway's refusals mean for a task; whatever is not among them was said by the provider. */
const meanings: Readonly<Record<string, ErrorCode>> = {
  unauthenticated: 'unauthenticated',
  stopped: 'stopped',
  'task-held': 'held',
  'task-closed': 'conflict',
  'unknown-task': 'unknown-task',
  'over-budget': 'limit-exceeded',
  'model-not-available': 'config-invalid',
  'model-without-price': 'config-invalid',
  'invalid-arguments': 'invalid-input',
  'invalid-json': 'invalid-input',
  'body-too-large': 'body-too-large',
  'provider-refused': 'upstream-refused',
  'provider-failed': 'upstream-unavailable',
  'provider-unavailable': 'upstream-unavailable',
  'possibly-completed': 'upstream-unavailable',
  'shutting-down': 'no-lease',
  'no-lease': 'no-lease',
  'store-unavailable': 'store-unavailable',
  'store-restored': 'store-restored',
};

/** Without a word of what was asked or answered: this error goes into logs, and its code into a history. */
export function refusalOf({
  statusCode,
  isRetryable,
  responseBody,
}: {
  readonly statusCode?: number | undefined;
  readonly isRetryable: boolean;
  readonly responseBody?: string | undefined;
}): EstopError {
  const said = codeIn(responseBody);
  const meaning = Object.hasOwn(meanings, said) ? meanings[said] : undefined;
  if (meaning !== undefined) return new EstopError(meaning, { detail: `the gateway answered ${said}` });
  const detail = `the model provider answered ${statusCode ?? 'nothing'}`;
  if (statusCode === undefined || isRetryable) return new EstopError('upstream-unavailable', { detail });
  // A garbled answer may be followed by a good one, and a wrong key is mended by an operator; a request that the provider
  // finds malformed stays so.
  const isOurRequest = statusCode >= 400 && statusCode !== 401 && statusCode !== 403;
  return new EstopError(isOurRequest ? 'invalid-input' : 'upstream-refused', { detail });
}

function codeIn(text: string | undefined): string {
  try {
    const parsed = Body.safeParse(JSON.parse(text ?? ''));
    return parsed.success ? parsed.data.error.code : '';
  } catch {
    return '';
  }
}
