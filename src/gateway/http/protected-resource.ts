import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from './reply.ts';

/** What this gateway is in the words of OAuth: it takes tokens that somebody else gives out. */
export interface ProtectedResource {
  readonly issuer: string;
  readonly isBehindTls: boolean;
}

const wellKnown = '/.well-known/oauth-protected-resource';
const resourcePath = /^\/\.well-known\/oauth-protected-resource(\/mcp(?:\/[a-z0-9-]{1,63})?)$/;

/** RFC 9728. False: the path is another one. The host has been looked at by the guard. */
export function sendResource(
  resource: ProtectedResource | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): boolean {
  const [, own] = resourcePath.exec(path) ?? [];
  if (resource === undefined || own === undefined || request.method !== 'GET') return false;
  const body = {
    resource: `${originOf(resource, request)}${own}`,
    authorization_servers: [resource.issuer],
    bearer_methods_supported: ['header'],
  };
  sendJson(response, 200, body, { 'cache-control': 'no-store' });
  return true;
}

/** Told with every 401 of a path of MCP, so that a client finds its way by itself. */
export function resourceHint(resource: ProtectedResource | undefined, request: IncomingMessage): string | undefined {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (resource === undefined || !resourcePath.test(`${wellKnown}${path}`)) return undefined;
  return `Bearer realm="estop-gateway", resource_metadata="${originOf(resource, request)}${wellKnown}${path}"`;
}

const originOf = ({ isBehindTls }: ProtectedResource, { headers }: IncomingMessage): string =>
  `${isBehindTls ? 'https' : 'http'}://${headers.host ?? ''}`;
