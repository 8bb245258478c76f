import {
  classifyInboundRequest,
  type InboundClassificationOutcome,
  type InboundHttpRequest,
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import { type JsonObject, type JsonValue, parseStrict } from '../json/parse-strict.ts';
import type { Asked } from '../passage.ts';
import { modernVersions, sessionAnswer } from './server-card.ts';

export type Era = 'modern' | 'legacy';
export type RequestId = string | number;

export type Inbound =
  | {
      readonly kind: 'request';
      readonly era: Era;
      readonly id: RequestId;
      readonly method: string;
      readonly asked: Asked;
    }
  | { readonly kind: 'notification' }
  | { readonly kind: 'fault'; readonly status: number; readonly id: RequestId | null; readonly error: RpcError };

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export interface InboundHeaders {
  readonly protocolVersion: string | undefined;
  readonly method: string | undefined;
  readonly name: string | undefined;
}

const headerMismatch = -32_020;
const unsupportedVersion = -32_022;

/**
 * Reads one POST body. The revision is told by the body, as the specification wants it; headers may only agree. Batches are
 * refused: each call must pass the gate, and be answered, by itself.
 */
export function readInbound(body: Uint8Array, headers: InboundHeaders): Inbound {
  const parsed = parseStrict(body);
  if (!parsed.ok)
    return fault(400, null, -32_700, `The body is not JSON that can be read in one way only: ${parsed.problem}.`);
  if (Array.isArray(parsed.value))
    return fault(400, null, -32_600, 'Batches are not accepted: send each request by itself.');
  const request: InboundHttpRequest = {
    httpMethod: 'POST',
    body: parsed.value,
    ...(headers.protocolVersion === undefined ? {} : { protocolVersionHeader: headers.protocolVersion }),
    ...(headers.method === undefined ? {} : { mcpMethodHeader: headers.method }),
    ...(headers.name === undefined ? {} : { mcpNameHeader: headers.name }),
  };
  return route(classifyInboundRequest(request), parsed.value as JsonObject, headers); // the classifier has refused what is no object
}

function route(outcome: InboundClassificationOutcome, body: JsonObject, headers: InboundHeaders): Inbound {
  const id = idOf(body);
  switch (outcome.kind) {
    case 'reject':
      return {
        kind: 'fault',
        status: outcome.httpStatus,
        id,
        error: {
          code: outcome.code,
          message: outcome.message,
          ...(outcome.data === undefined ? {} : { data: outcome.data }),
        },
      };
    case 'legacy':
      if (outcome.reason === 'notification') return { kind: 'notification' };
      if (outcome.reason === 'initialize' || outcome.reason === 'no-claim') return legacyRequest(body, id);
      return fault(400, id, -32_600, 'Only requests and notifications are accepted.');
    case 'modern': {
      if (outcome.messageKind === 'notification') return { kind: 'notification' };
      const version = outcome.classification.revision;
      if (version === undefined || !modernVersions.includes(version)) {
        return fault(400, id, unsupportedVersion, 'Unsupported protocol version.', {
          supported: modernVersions,
          requested: version ?? 'unknown',
        });
      }
      return standardHeaderFault(body, headers, id) ?? modernRequest(body, id);
    }
  }
}

/** Required on every request of the new revision. The classifier has compared what was sent; it does not ask for what was not. */
function standardHeaderFault(body: JsonObject, headers: InboundHeaders, id: RequestId | null): Inbound | undefined {
  const mismatch = (what: string): Inbound =>
    fault(400, id, headerMismatch, `The request headers and body disagree: ${what}.`);
  if (headers.protocolVersion === undefined) return mismatch('MCP-Protocol-Version is missing');
  if (headers.method === undefined) return mismatch('Mcp-Method is missing');
  if (body['method'] !== 'tools/call') return undefined;
  const name = objectOf(body['params'])['name'];
  if (headers.name === undefined) return mismatch('Mcp-Name is missing');
  return decodeName(headers.name) === name ? undefined : mismatch('Mcp-Name is not params.name');
}

function decodeName(header: string): string {
  const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/i.exec(header.trim())?.[1];
  return encoded === undefined ? header.trim() : Buffer.from(encoded, 'base64').toString('utf8');
}

function modernRequest(body: JsonObject, id: RequestId | null): Inbound {
  if (body['method'] === 'server/discover')
    return served('modern', body, id, { kind: 'session', result: sessionAnswer.discover });
  return commonRequest('modern', body, id);
}

function legacyRequest(body: JsonObject, id: RequestId | null): Inbound {
  if (body['method'] === 'ping') return served('legacy', body, id, { kind: 'session', result: {} });
  if (body['method'] !== 'initialize') return commonRequest('legacy', body, id);
  const wanted = objectOf(body['params'])['protocolVersion'];
  const version = SUPPORTED_PROTOCOL_VERSIONS.find((known) => known === wanted) ?? LATEST_PROTOCOL_VERSION;
  return served('legacy', body, id, { kind: 'session', result: sessionAnswer.initialize(version) });
}

function commonRequest(era: Era, body: JsonObject, id: RequestId | null): Inbound {
  const method = methodOf(body);
  if (method.startsWith('resources/')) return served(era, body, id, { kind: 'resource' });
  if (method.startsWith('prompts/')) return served(era, body, id, { kind: 'prompt' });
  if (method === 'tools/list') return served(era, body, id, { kind: 'tool-list' });
  if (method !== 'tools/call')
    return fault(era === 'modern' ? 404 : 200, id, -32_601, 'This method is not served here.');
  const params = objectOf(body['params']);
  const { name } = params;
  const args = params['arguments'] ?? Object.create(null); // absent arguments are none
  if (typeof name !== 'string' || !isObject(args))
    return fault(200, id, -32_602, 'tools/call needs a name, and arguments that are an object.');
  return served(era, body, id, { kind: 'tool-call', name, arguments: args });
}

function served(era: Era, body: JsonObject, id: RequestId | null, asked: Asked): Inbound {
  if (id === null) return fault(400, null, -32_600, 'A request needs an id.');
  return { kind: 'request', era, id, method: methodOf(body), asked };
}

function fault(status: number, id: RequestId | null, code: number, message: string, data?: unknown): Inbound {
  return { kind: 'fault', status, id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}

function methodOf(body: JsonObject): string {
  return typeof body['method'] === 'string' ? body['method'] : '';
}

function idOf(body: JsonObject): RequestId | null {
  if (!isObject(body)) return null;
  const { id } = body;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : Object.create(null);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
