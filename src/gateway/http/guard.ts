import type { IncomingMessage } from 'node:http';
import { validateHostHeader, validateOriginHeader } from '@modelcontextprotocol/server';

/**
 * Against pages in somebody's browser that reach for a gateway on their own machine (DNS rebinding): only hosts that this
 * gateway is known by, and no origin that is not one of them. A client that is no browser sends no Origin.
 */
export function createGuard(allowedHosts: readonly string[]): (request: IncomingMessage) => boolean {
  const allowed = [...new Set(['localhost', '127.0.0.1', '[::1]', ...allowedHosts])];
  const seen = new Set<string>();
  return ({ headers }) => {
    if (headers.origin !== undefined && !validateOriginHeader(headers.origin, allowed).ok) return false;
    const host = headers.host ?? '';
    if (seen.has(host)) return true;
    if (!validateHostHeader(host, allowed).ok) return false;
    // Only good ones, of which there are as many as ports: a host name is parsed once and not per call.
    if (seen.size < 64) seen.add(host);
    return true;
  };
}
