import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonContentType } from '@modelcontextprotocol/server';
import type { TaskClaims } from '../../contract/identity.ts';
import { continueTrace } from '../../contract/tracing.ts';
import { exchange } from '../http/exchange.ts';
import { resourceHint } from '../http/protected-resource.ts';
import { readBody } from '../http/read-body.ts';
import { retrySoonMs, sendJson, sendProblem } from '../http/reply.ts';
import { type Asked, type Denial, denied, type GateHost } from '../passage.ts';
import { answerHandshake } from './answer-handshake.ts';
import type { ClientSession } from './client-session.ts';
import type { RequestId } from './era.ts';
import { type InboundRequest, type RpcError, readInbound, unsupportedVersion } from './inbound.ts';
import type { McpClient } from './mcp-client.ts';
import { McpReply } from './mcp-reply.ts';
import { ReplyChannel } from './reply-channel.ts';

/** One MCP request over HTTP, and what is known of it before its body. */
export interface McpExchange {
  readonly host: GateHost;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** The server whose endpoint was asked; absent: the endpoint of all. */
  readonly endpoint: string | undefined;
}

/** What is read into values and written anew, and held until a slow server has answered. */
const bytesOfOne = 16;
const methodNotFound = { code: -32_601, message: 'This method is not served here.' };

/** /mcp and /mcp/<server>: one JSON-RPC message in, its answer out, with what comes before it. */
export async function serveMcp(http: McpExchange): Promise<void> {
  const { host, request, response, requestId } = http;
  const sessionId = one(request.headers['mcp-session-id']);
  if (request.method !== 'POST' && sessionId === undefined)
    return sendProblem(response, 'method-not-allowed', requestId);
  if (request.method === 'POST' && !isJsonContentType(request.headers['content-type']))
    return sendProblem(response, 'unsupported-media-type', requestId);
  // Before the body: a stranger's megabyte is not read. The gate asks for the token again, as the first of its steps.
  const token = await host.tokens.read(request.headers.authorization);
  if (!token.ok)
    return sendProblem(response, token.code, requestId, { authenticate: resourceHint(host.resource, request) });
  if (request.method === 'POST') return post(http, token.claims, sessionId);
  const session = host.sessions.find(sessionId ?? '', token.claims, http.endpoint);
  if (session === undefined) return sendError(response, 404, null, { code: -32_001, message: 'Session not found' });
  if (request.method === 'GET') return openStream(http, session);
  if (request.method !== 'DELETE') return sendProblem(response, 'method-not-allowed', requestId);
  return pass(http, { kind: 'session', result: {} }, undefined, () => {
    host.sessions.end(session);
    response.writeHead(200).end();
  });
}

async function post(http: McpExchange, claims: TaskClaims, sessionId: string | undefined): Promise<void> {
  const { host, request, response, requestId, endpoint } = http;
  const body = await readBody(request, host.inHand.hold(claims.agentId, response, bytesOfOne));
  if (body === 'busy') return sendProblem(response, body, requestId, { retryAfterMs: retrySoonMs });
  if (body === 'body-too-large') {
    noteUnserved(host, claims, undefined);
    return sendProblem(response, body, requestId);
  }
  const headers = {
    protocolVersion: one(request.headers['mcp-protocol-version']),
    method: one(request.headers['mcp-method']),
    name: one(request.headers['mcp-name']),
  };
  const inbound = readInbound(body, headers, endpoint);
  if (inbound.kind === 'fault') {
    noteUnserved(host, claims, inbound.error.code);
    return sendError(response, inbound.status, inbound.id, inbound.error);
  }
  // The newest revision has none: a session's id says nothing there.
  const session =
    sessionId === undefined || inbound.era === 'modern' ? undefined : host.sessions.find(sessionId, claims, endpoint);
  const isLost = sessionId !== undefined && inbound.era === 'legacy' && session === undefined;
  const id = inbound.kind === 'request' ? inbound.id : null;
  if (isLost && !(inbound.kind === 'request' && inbound.method === 'initialize'))
    return sendError(response, 404, id, { code: -32_001, message: 'Session not found' });
  if (inbound.kind === 'request')
    return continueTrace(inbound.words.trace, () => answer(http, claims, session, inbound));
  if (inbound.isAnswer && session === undefined)
    return sendError(response, 400, null, { code: -32_600, message: 'Nobody here has asked anything.' });
  const { message } = inbound;
  const question = session?.questionOf(message);
  const asked: Asked =
    question === undefined ? { kind: 'cancellation', message } : { kind: 'answer', message, question };
  return pass(
    http,
    asked,
    session,
    () => response.writeHead(202).end(),
    (denial) => {
      // What may be sent again is still waited for; what is stopped reaches its server in no form.
      if (question === undefined || denial.kind === 'unavailable') return;
      if (denial.kind === 'stopped') session?.forget(question.id);
      else session?.refuse(question.id);
    },
  );
}

/**
 * What never reaches the gate says something of its agent all the same: it is counted for the breakers, and in the record. How a client
 * finds out which revisions there are says nothing.
 */
function noteUnserved({ conduct }: GateHost, claims: TaskClaims, code: number | undefined): void {
  if (code === unsupportedVersion) return;
  const denial = code === methodNotFound.code ? ({ kind: 'not-served' } as const) : denied('invalid-arguments');
  conduct.note({ asked: { kind: 'message' }, facts: { claims } }, denial);
}

function answer(
  http: McpExchange,
  claims: TaskClaims,
  session: ClientSession | undefined,
  inbound: InboundRequest,
): Promise<void> | void {
  const { host, request, response, requestId } = http;
  const channel = new ReplyChannel(response, takesStream(request), session);
  const reply = new McpReply({ channel, response, inbound, requestId, endpoint: http.endpoint });
  let { asked } = inbound;
  if (asked.kind === 'handshake') {
    const shaken = answerHandshake(host, claims, session, asked, http.endpoint);
    if (shaken === undefined) return sendError(response, 200, inbound.id, methodNotFound);
    if (shaken.sessionId !== undefined) response.setHeader('mcp-session-id', shaken.sessionId);
    asked = { kind: 'session', result: shaken.result };
  }
  const client: McpClient = {
    era: inbound.era,
    endpoint: http.endpoint,
    requestId: inbound.id,
    capabilities: inbound.era === 'modern' ? inbound.words.capabilities : {},
    logLevel: inbound.words.logLevel,
    progressToken: inbound.words.progressToken,
    session,
    relay: (message) => channel.relay(message),
    sent: () => {
      if (session !== undefined || asked.kind === 'subscription') channel.begin();
    },
    hangUp: () => response.destroy(),
  };
  return exchange({
    host,
    request,
    response,
    asked,
    client,
    answer: (result) => reply.result(result),
    refused: (refusal) => reply.refusal(refusal),
    deny: (denial) => reply.denial(denial),
    survives: () => channel.isResumable,
  });
}

/** The stream of a session, or the rest of one that broke off. */
function openStream(http: McpExchange, session: ClientSession): Promise<void> | void {
  const { request, response, requestId } = http;
  if (!takesStream(request)) return sendProblem(response, 'unsupported-media-type', requestId);
  const lastEventId = one(request.headers['last-event-id']);
  return pass(http, { kind: 'stream', lastEventId }, session, () => {
    if (session.openStream(response, lastEventId) === undefined)
      sendError(response, 409, null, { code: -32_000, message: 'This stream is read already, or is no more.' });
  });
}

/** What has no body to be answered with. */
function pass(
  http: McpExchange,
  asked: Asked,
  session: ClientSession | undefined,
  done: () => void,
  denied: (denial: Denial) => void = () => undefined,
): Promise<void> {
  const { host, request, response, requestId, endpoint } = http;
  const client: McpClient = {
    era: 'legacy',
    endpoint,
    requestId: undefined,
    capabilities: {},
    logLevel: undefined,
    progressToken: undefined,
    session,
    relay: () => false,
    sent: () => undefined,
    hangUp: () => response.destroy(),
  };
  return exchange({
    host,
    request,
    response,
    asked,
    client,
    answer: done,
    refused: () => sendProblem(response, 'internal', requestId),
    deny: (denial) => {
      denied(denial);
      sendProblem(
        response,
        denial.kind === 'unauthenticated' || denial.kind === 'unavailable'
          ? denial.code
          : denial.kind === 'stopped'
            ? 'stopped'
            : 'forbidden',
        requestId,
      );
    },
  });
}

export function sendError(response: ServerResponse, status: number, id: RequestId | null, error: RpcError): void {
  sendJson(response, status, { jsonrpc: '2.0', id, error });
}

const takesStream = ({ headers }: IncomingMessage): boolean => (headers.accept ?? '').includes('text/event-stream');

/** A header that stands twice says two things: it is taken as missing, which the revision that needs it refuses. */
function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
