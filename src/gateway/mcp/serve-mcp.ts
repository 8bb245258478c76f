import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonContentType } from '@modelcontextprotocol/server';
import { exchange } from '../http/exchange.ts';
import { readBody } from '../http/read-body.ts';
import { retrySoonMs, sendJson, sendProblem } from '../http/reply.ts';
import type { Answer, Denial, GateHost } from '../passage.ts';
import { denialResult, tell } from './denial-result.ts';
import { type Inbound, type RequestId, type RpcError, readInbound } from './inbound.ts';
import { inModernEra } from './server-card.ts';

/** A denial of what is no tool call; the code that authorisation profiles of MCP use. */
const deniedCode = -32_001;

/** POST /mcp: one JSON-RPC message in, one JSON answer out. */
export async function serveMcp(
  host: GateHost,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  if (!isJsonContentType(request.headers['content-type']))
    return sendProblem(response, 'unsupported-media-type', requestId);
  // Before the body: a stranger's megabyte is not read. The gate asks for the token again, as the first of its steps.
  const token = await host.tokens.read(request.headers.authorization);
  if (!token.ok) return sendProblem(response, token.code, requestId);
  const body = await readBody(request);
  if (body === undefined) return sendProblem(response, 'body-too-large', requestId);

  const inbound = readInbound(body, {
    protocolVersion: one(request.headers['mcp-protocol-version']),
    method: one(request.headers['mcp-method']),
    name: one(request.headers['mcp-name']),
  });
  switch (inbound.kind) {
    case 'notification':
      response.writeHead(202).end();
      return;
    case 'fault':
      return sendError(response, inbound.status, inbound.id, inbound.error);
    case 'request': {
      const answer = (result: Answer): void => sendResult(response, inbound, result);
      return exchange({
        host,
        request,
        response,
        asked: inbound.asked,
        answer,
        deny: (denial) => deny(response, inbound, denial, requestId),
      });
    }
  }
}

function deny(
  response: ServerResponse,
  inbound: Extract<Inbound, { kind: 'request' }>,
  denial: Denial,
  requestId: string,
): void {
  switch (denial.kind) {
    case 'unauthenticated':
      return sendProblem(response, denial.code, requestId);
    case 'unavailable':
      return sendProblem(response, denial.code, requestId, { retryAfterMs: retrySoonMs });
    case 'not-served':
      return sendError(response, inbound.era === 'modern' ? 404 : 200, inbound.id, {
        code: -32_601,
        message: 'This method is not served here.',
      });
    default:
      break;
  }
  if (inbound.asked.kind === 'tool-call') return sendResult(response, inbound, denialResult(denial));
  const { text, meta } = tell(denial);
  sendError(response, 200, inbound.id, { code: deniedCode, message: text, data: meta });
}

function sendResult(
  response: ServerResponse,
  { era, method, id }: Extract<Inbound, { kind: 'request' }>,
  result: Answer,
): void {
  sendJson(response, 200, { jsonrpc: '2.0', id, result: era === 'modern' ? inModernEra(method, result) : result });
}

function sendError(response: ServerResponse, status: number, id: RequestId | null, error: RpcError): void {
  sendJson(response, status, { jsonrpc: '2.0', id, error });
}

/** A header that stands twice says two things: it is taken as missing, which the revision that needs it refuses. */
function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
