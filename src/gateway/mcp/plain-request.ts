import type { JsonObject } from '../json/parse-strict.ts';
import type { InboundHeaders } from './inbound.ts';

/**
 * Whether a body is plainly a request of the older revisions: nothing in it or beside it claims to be anything else. Most calls are. The
 * library's classifier says the same of each of these, after it has tried every kind of message there is. What is not plain is left to it.
 */
export function isPlainRequest(body: JsonObject, { protocolVersion }: InboundHeaders): boolean {
  if (protocolVersion !== undefined && !olderVersions.has(protocolVersion)) return false;
  const { jsonrpc, id, method, params } = body;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || method === 'initialize') return false;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return false;
  for (const name in body) if (!ofRequests.has(name)) return false;
  if (params === undefined) return true;
  return typeof params === 'object' && params !== null && !Array.isArray(params) && !('_meta' in params);
}

const ofRequests: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params']);
const olderVersions: ReadonlySet<string> = new Set(['2025-03-26', '2025-06-18', '2025-11-25']);
