import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from '../../core/errors.ts';
import { exchange } from '../http/exchange.ts';
import { retrySoonMs, sendJson, sendProblem } from '../http/reply.ts';
import { tell } from '../mcp/denial-result.ts';
import type { Denial, DenialReason, GateHost } from '../passage.ts';

/** POST /grants/{name}: the one way a credential reaches an agent, and only while nothing covers its task. */
export function serveGrant(
  host: GateHost,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  name: string,
): Promise<void> {
  request.resume(); // a body says nothing here
  return exchange({
    host,
    request,
    response,
    asked: { kind: 'grant', name },
    answer: (grant) => sendJson(response, 200, grant, { 'cache-control': 'no-store' }),
    deny: (denial) => deny(response, denial, requestId),
  });
}

function deny(response: ServerResponse, denial: Denial, requestId: string): void {
  switch (denial.kind) {
    case 'unauthenticated':
      return sendProblem(response, denial.code, requestId);
    case 'unavailable':
      return sendProblem(response, denial.code, requestId, { retryAfterMs: retrySoonMs });
    case 'not-served':
    case 'needs-approval':
      return sendProblem(response, 'internal', requestId);
    case 'stopped':
      return sendProblem(
        response,
        'stopped',
        requestId,
        denial.stopId === undefined ? {} : { detail: `Stop ${denial.stopId} covers this task.` },
      );
    case 'denied':
      return sendProblem(response, codeOf(denial.reason), requestId, { detail: tell(denial).text });
  }
}

function codeOf(reason: DenialReason): ErrorCode {
  switch (reason) {
    case 'no-such-grant':
      return 'not-found';
    case 'task-held':
      return 'held';
    case 'internal':
      return 'internal';
    default:
      return 'conflict';
  }
}
