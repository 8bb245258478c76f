import {
  classifyInboundRequest,
  type InboundClassificationOutcome,
  type InboundHttpRequest,
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import type { TraceCarrier } from '../../contract/tracing.ts';
import { type JsonObject, type JsonValue, parseStrict } from '../json/parse-strict.ts';
import type { Asked } from '../passage.ts';
import { clientCapabilities } from './client-capabilities.ts';
import type { Era, RequestId } from './era.ts';
import { isReachMethod, reachMethods } from './methods.ts';
import { joinName } from './names.ts';
import { isPlainRequest } from './plain-request.ts';
import { modernVersions } from './server-card.ts';

/** What the gate answers by itself: who it is, and how loud it is to be. */
export type Handshake =
  | { readonly kind: 'handshake'; readonly method: 'server/discover' | 'ping' }
  | {
      readonly kind: 'handshake';
      readonly method: 'initialize';
      readonly version: string;
      readonly capabilities: JsonObject;
    }
  | { readonly kind: 'handshake'; readonly method: 'logging/setLevel'; readonly level: string };

export type InboundRequest = {
  readonly kind: 'request';
  readonly era: Era;
  readonly id: RequestId;
  readonly method: string;
  readonly asked: Asked | Handshake;
  /** What the request says of its client. */
  readonly words: {
    readonly capabilities: JsonObject;
    readonly logLevel: string | undefined;
    readonly progressToken: RequestId | undefined;
    /** By the name that MCP keeps for it. Its ids alone: `tracestate` would be text of the agent's own to every upstream. */
    readonly trace: TraceCarrier;
  };
};

export type Inbound =
  | InboundRequest
  /** A notification, or an answer to a question: nothing is said to it. */
  | { readonly kind: 'message'; readonly era: Era; readonly message: JsonObject; readonly isAnswer: boolean }
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
export const unsupportedVersion = -32_022;

/**
 * Reads one POST body. The revision is told by the body, as the specification wants it; headers may only agree. Batches are
 * refused: each call must pass the gate, and be answered, by itself.
 */
export function readInbound(body: Uint8Array, headers: InboundHeaders, endpoint?: string): Inbound {
  const parsed = parseStrict(body);
  if (!parsed.ok)
    return fault(400, null, -32_700, `The body is not JSON that can be read in one way only: ${parsed.problem}.`);
  if (Array.isArray(parsed.value))
    return fault(400, null, -32_600, 'Batches are not accepted: send each request by itself.');
  if (isObject(parsed.value) && isPlainRequest(parsed.value, headers))
    return legacyRequest(parsed.value, idOf(parsed.value), endpoint);
  const request: InboundHttpRequest = {
    httpMethod: 'POST',
    body: parsed.value,
    ...(headers.protocolVersion === undefined ? {} : { protocolVersionHeader: headers.protocolVersion }),
    ...(headers.method === undefined ? {} : { mcpMethodHeader: headers.method }),
    ...(headers.name === undefined ? {} : { mcpNameHeader: headers.name }),
  };
  return route(classifyInboundRequest(request), parsed.value as JsonObject, headers, endpoint); // the classifier has refused what is no object
}

function route(
  outcome: InboundClassificationOutcome,
  body: JsonObject,
  headers: InboundHeaders,
  endpoint: string | undefined,
): Inbound {
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
      if (outcome.reason === 'notification' || outcome.reason === 'response')
        return { kind: 'message', era: 'legacy', message: body, isAnswer: outcome.reason === 'response' };
      if (outcome.reason === 'initialize' || outcome.reason === 'no-claim') return legacyRequest(body, id, endpoint);
      return fault(400, id, -32_600, 'Only requests and notifications are accepted.');
    case 'modern': {
      if (outcome.messageKind === 'notification')
        return { kind: 'message', era: 'modern', message: body, isAnswer: false };
      const version = outcome.classification.revision;
      if (version === undefined || !modernVersions.includes(version)) {
        return fault(400, id, unsupportedVersion, 'Unsupported protocol version.', {
          supported: modernVersions,
          requested: version ?? 'unknown',
        });
      }
      return standardHeaderFault(body, headers, id) ?? modernRequest(body, id, endpoint);
    }
  }
}

/** Required on every request of the new revision. The classifier has compared what was sent; it does not ask for what was not. */
function standardHeaderFault(body: JsonObject, headers: InboundHeaders, id: RequestId | null): Inbound | undefined {
  const mismatch = (what: string): Inbound =>
    fault(400, id, headerMismatch, `The request headers and body disagree: ${what}.`);
  if (headers.protocolVersion === undefined) return mismatch('MCP-Protocol-Version is missing');
  if (headers.method === undefined) return mismatch('Mcp-Method is missing');
  const key = namedBy[methodOf(body)];
  if (key === undefined) return undefined;
  const name = objectOf(body['params'])[key];
  if (headers.name === undefined) return mismatch('Mcp-Name is missing');
  return decodeName(headers.name) === name ? undefined : mismatch(`Mcp-Name is not params.${key}`);
}

const namedBy: Readonly<Record<string, 'name' | 'uri'>> = {
  __proto__: null as never, // no method is called like what every object has
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

function decodeName(header: string): string {
  const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/i.exec(header.trim())?.[1];
  return encoded === undefined ? header.trim() : Buffer.from(encoded, 'base64').toString('utf8');
}

function modernRequest(body: JsonObject, id: RequestId | null, endpoint: string | undefined): Inbound {
  const method = methodOf(body);
  if (method === 'server/discover') return served('modern', body, id, { kind: 'handshake', method });
  // Of the older revisions, which have sessions to subscribe in.
  if (method === 'resources/subscribe' || method === 'resources/unsubscribe') return unknownMethod('modern', id);
  return commonRequest('modern', body, id, endpoint);
}

function legacyRequest(body: JsonObject, id: RequestId | null, endpoint: string | undefined): Inbound {
  const method = methodOf(body);
  const params = objectOf(body['params']);
  if (method === 'ping') return served('legacy', body, id, { kind: 'handshake', method });
  if (method === 'initialize') {
    const wanted = params['protocolVersion'];
    const version = SUPPORTED_PROTOCOL_VERSIONS.find((known) => known === wanted) ?? LATEST_PROTOCOL_VERSION;
    return served('legacy', body, id, {
      kind: 'handshake',
      method,
      version,
      capabilities: clientCapabilities(objectOf(params['capabilities'])),
    });
  }
  if (method === 'logging/setLevel') {
    const level = params['level'];
    if (typeof level !== 'string' || !logLevels.has(level)) return fault(200, id, -32_602, 'There is no such level.');
    return served('legacy', body, id, { kind: 'handshake', method, level });
  }
  if (method === 'subscriptions/listen') return unknownMethod('legacy', id);
  return commonRequest('legacy', body, id, endpoint);
}

const logLevels: ReadonlySet<string> = new Set([
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]);

function commonRequest(era: Era, body: JsonObject, id: RequestId | null, endpoint: string | undefined): Inbound {
  const method = methodOf(body);
  const { _meta, ...params } = objectOf(body['params']);
  if (isReachMethod(method)) return served(era, body, id, { kind: reachMethods[method], method, params });
  if (method === 'tools/list') return served(era, body, id, { kind: 'tool-list' });
  if (method !== 'tools/call') return unknownMethod(era, id);
  const { name, inputResponses, requestState } = params;
  const args = params['arguments'] ?? Object.create(null); // absent arguments are none
  if (typeof name !== 'string' || !isObject(args))
    return fault(200, id, -32_602, 'tools/call needs a name, and arguments that are an object.');
  const inputs = {
    ...(inputResponses === undefined ? {} : { inputResponses }),
    ...(requestState === undefined ? {} : { requestState }),
  };
  return served(era, body, id, {
    kind: 'tool-call',
    name: endpoint === undefined ? name : joinName(endpoint, name),
    arguments: args,
    ...(era === 'legacy' || Object.keys(inputs).length === 0 ? {} : { inputs }),
  });
}

function unknownMethod(era: Era, id: RequestId | null): Inbound {
  return fault(era === 'modern' ? 404 : 200, id, -32_601, 'This method is not served here.');
}

function served(era: Era, body: JsonObject, id: RequestId | null, asked: Asked | Handshake): Inbound {
  if (id === null) return fault(400, null, -32_600, 'A request needs an id.');
  const meta = objectOf(objectOf(body['params'])['_meta']);
  const logLevel = meta['io.modelcontextprotocol/logLevel'];
  const token = meta['progressToken'];
  return {
    kind: 'request',
    era,
    id,
    method: methodOf(body),
    asked,
    words: {
      // What this gate does not know, no upstream is told that the client knows.
      capabilities: clientCapabilities(objectOf(meta['io.modelcontextprotocol/clientCapabilities'])),
      logLevel: typeof logLevel === 'string' && logLevels.has(logLevel) ? logLevel : undefined,
      progressToken: typeof token === 'string' || typeof token === 'number' ? token : undefined,
      trace: { traceparent: meta['traceparent'] },
    },
  };
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
