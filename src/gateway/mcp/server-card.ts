import type { ServerCapabilities } from '@modelcontextprotocol/client';
import type { Answer } from '../passage.ts';
import type { ToolServer } from '../upstream/tool-server.ts';

export const modernVersions: readonly string[] = ['2026-07-28'];

const serverInfo = { name: 'estop-gateway', title: 'estop gateway', version: '1' };
/** A list differs from agent to agent: only the agent itself may keep it. */
const cacheable = { ttlMs: 10_000, cacheScope: 'private' };
/** Answers that the newer revision lets a client keep for a while. */
const cached: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** What of the servers behind it can be used through this gate, and nothing that only they know. */
export function capabilitiesOf(servers: readonly ToolServer[]): ServerCapabilities {
  const all = servers.map(({ capabilities }) => capabilities);
  const some = (flag: (capabilities: ServerCapabilities) => boolean | undefined): boolean =>
    all.some((one) => flag(one) === true);
  const tells = (flag: (capabilities: ServerCapabilities) => boolean | undefined): object =>
    some(flag) ? { listChanged: true } : {};
  return {
    tools: tells(({ tools }) => tools?.listChanged),
    ...(some(({ resources }) => resources !== undefined)
      ? {
          resources: {
            ...tells(({ resources }) => resources?.listChanged),
            ...(some(({ resources }) => resources?.subscribe) ? { subscribe: true } : {}),
          },
        }
      : {}),
    ...(some(({ prompts }) => prompts !== undefined) ? { prompts: tells(({ prompts }) => prompts?.listChanged) } : {}),
    ...(some(({ completions }) => completions !== undefined) ? { completions: {} } : {}),
    ...(some(({ logging }) => logging !== undefined) ? { logging: {} } : {}),
  };
}

export const sessionAnswer = {
  discover: (capabilities: ServerCapabilities): Answer => ({
    supportedVersions: modernVersions,
    capabilities,
    ...cacheable,
  }),
  initialize: (protocolVersion: string, capabilities: ServerCapabilities): Answer => ({
    protocolVersion,
    capabilities,
    serverInfo,
  }),
};

/** What the newer revision wants around every result. */
export function inModernEra(method: string, result: Answer): Answer {
  const ttlMs = result['ttlMs'];
  return {
    ...result,
    ...(cached.has(method)
      ? { ttlMs: typeof ttlMs === 'number' ? ttlMs : cacheable.ttlMs, cacheScope: cacheable.cacheScope }
      : {}),
    resultType: result['resultType'] ?? 'complete',
    _meta: {
      ...(typeof result['_meta'] === 'object' ? result['_meta'] : {}),
      'io.modelcontextprotocol/serverInfo': serverInfo,
    },
  };
}

/** The older ones know none of it. */
export function inLegacyEra(result: Answer): Answer {
  const { ttlMs: _ttl, cacheScope: _scope, ...rest } = result;
  return rest;
}
