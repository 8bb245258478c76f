import type { ServerResponse } from 'node:http';
import { type ErrorCode, errorCatalogue } from '../../core/errors.ts';
import { parseScopeKey, type ScopeKind } from '../../core/scope-key.ts';
import { retrySoonMs } from '../http/reply.ts';
import { tell } from '../mcp/denial-result.ts';
import type { Denial, DenialReason } from '../passage.ts';
import type { DialectName } from './dialect.ts';

export interface ModelRefusal {
  readonly status: number;
  /** For programs: an error code of ours, or the reason of a denial. */
  readonly code: string;
  readonly message: string;
  /** Whether the same request may succeed soon. The official clients would otherwise try again what can only be denied again. */
  readonly retry: boolean;
  /** What the stop is of: whether it ends the task, or a model alone. */
  readonly scope?: ScopeKind;
  /** Those that denied it. */
  readonly policies?: readonly string[];
}

export function refusedAs(code: ErrorCode, detail?: string): ModelRefusal {
  const { title, status } = errorCatalogue[code];
  return { status, code, message: detail === undefined ? title : `${title} (${detail})`, retry: status === 503 };
}

/** What a client of a model is told. Its status is one that no client takes for a passing trouble, unless it is one. */
export function refusalOf(denial: Denial): ModelRefusal {
  switch (denial.kind) {
    case 'unauthenticated':
    case 'unavailable':
      return refusedAs(denial.code);
    case 'stopped': {
      const scope = denial.scopeKey === undefined ? undefined : parseScopeKey(denial.scopeKey)?.kind;
      return {
        ...(scope === undefined ? {} : { scope }),
        status: 403,
        code: 'stopped',
        message:
          'An emergency stop covers this task. No model answers it until a person resets the stop and starts again.',
        retry: false,
      };
    }
    case 'not-served':
    case 'needs-approval':
      return refusedAs('internal');
    case 'denied': {
      const status = statuses[denial.reason] ?? 403;
      const retry = status === 502 || status === 503;
      const { reason: code, policies } = denial;
      return { status, code, message: messageOf(denial), retry, ...(policies === undefined ? {} : { policies }) };
    }
  }
}

const statuses: Readonly<Partial<Record<DenialReason, number>>> = {
  'model-not-available': 404,
  'invalid-arguments': 400,
  'provider-unavailable': 502,
  'provider-refused': 424,
  'provider-failed': 424,
  'shutting-down': 503,
  internal: 500,
};

/** Where the sentence of the tool gate would speak of tools. */
const sentences: Readonly<Partial<Record<DenialReason, string>>> = {
  'invalid-arguments': 'This request is not passed on to the model.',
  'possibly-completed': 'The call was sent, and its answer was lost or is not passed on.',
};

function messageOf(denial: Extract<Denial, { kind: 'denied' }>): string {
  const sentence = sentences[denial.reason];
  if (sentence === undefined) return tell(denial).text;
  return denial.detail === undefined ? sentence : `${sentence} (${denial.detail})`;
}

export function sendRefusal(
  response: ServerResponse,
  dialect: DialectName,
  requestId: string,
  { status, code, message, retry, scope, policies }: ModelRefusal,
): void {
  if (response.destroyed) return;
  const error = {
    type: code,
    code,
    message,
    param: null,
    ...(scope === undefined ? {} : { scope }),
    ...(policies === undefined ? {} : { policies }),
  };
  const body = dialect === 'messages' ? { type: 'error', error, request_id: requestId } : { error };
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-request-id': requestId,
    'x-should-retry': String(retry),
    ...(retry ? { 'retry-after': String(Math.ceil(retrySoonMs / 1_000)) } : {}),
    // The body may not have been read: what is left of it must not be taken for the next request.
    ...(status === 401 || status === 413 ? { connection: 'close' } : {}),
  });
  response.end(text);
}
