import { z } from 'zod';
import { type ErrorCode, EstopError } from '../core/errors.ts';
import type { ScopeKind } from '../core/scope-key.ts';
import { TaskStopped } from './cut-off.ts';

const Body = z.object({ error: z.object({ code: z.string(), scope: z.string().optional() }) });
/** A stop of these ends the task; one of another ends what it reached for. */
const endsTask: readonly string[] = ['fleet', 'label', 'agent', 'task'] satisfies readonly ScopeKind[];

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
  busy: 'busy',
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
  const { code: said, scope = '' } = readError(responseBody);
  const meaning = Object.hasOwn(meanings, said) ? meanings[said] : undefined;
  if (meaning === 'stopped' && endsTask.includes(scope)) return new TaskStopped(`the gateway answered ${said}`);
  if (meaning !== undefined) return new EstopError(meaning, { detail: `the gateway answered ${said}` });
  const detail = `the model provider answered ${statusCode ?? 'nothing'}`;
  if (statusCode === undefined || isRetryable) return new EstopError('upstream-unavailable', { detail });
  // A garbled answer may be followed by a good one, and a wrong key is mended by an operator; a request that the provider
  // finds malformed stays so.
  const isOurRequest = statusCode >= 400 && statusCode !== 401 && statusCode !== 403;
  return new EstopError(isOurRequest ? 'invalid-input' : 'upstream-refused', { detail });
}

function readError(text: string | undefined): z.infer<typeof Body>['error'] {
  try {
    return Body.parse(JSON.parse(text ?? '')).error;
  } catch {
    return { code: '' };
  }
}
