import type { MayGiveReason } from '../contract/http/fields.ts';
import type { ToolDefinitionPage, ToolPin, ToolPinPage } from '../contract/http/tools.ts';
import { pathSegment } from './path-segment.ts';
import type { Transport } from './transport.ts';

export interface Tools {
  list(query?: { readonly state?: ToolPin['state'] }): Promise<ToolPinPage>;
  /** With their texts, written by the tool's server: escape them wherever they are shown. */
  get(tool: string): Promise<ToolDefinitionPage>;
  accept(tool: string, options: { readonly hash: string } & MayGiveReason): Promise<ToolPin>;
}

export function createTools(call: Transport, baseUrl: string): Tools {
  const pathOf = (tool: string): string => `/v1/tools/${pathSegment(tool)}`;
  return {
    list: (query = {}) => call({ method: 'GET', baseUrl, path: '/v1/tools', query }),
    get: (tool) => call({ method: 'GET', baseUrl, path: pathOf(tool) }),
    accept: (tool, { hash, reason }) =>
      call({ method: 'POST', baseUrl, path: `${pathOf(tool)}:accept`, body: { hash, reason } }),
  };
}
