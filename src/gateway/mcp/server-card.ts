import type { Answer } from '../passage.ts';

export const modernVersions: readonly string[] = ['2026-07-28'];

const serverInfo = { name: 'estop-gateway', title: 'estop gateway', version: '1' };
const capabilities = { tools: {} };
/** A list differs from agent to agent: only the agent itself may keep it. */
const cacheable = { ttlMs: 10_000, cacheScope: 'private' };

export const sessionAnswer = {
  discover: { supportedVersions: modernVersions, capabilities, ...cacheable } satisfies Answer,
  initialize: (protocolVersion: string): Answer => ({ protocolVersion, capabilities, serverInfo }),
};

/** What the newer revision wants around every result; the older ones do not know it. */
export function inModernEra(method: string, result: Answer): Answer {
  return {
    ...(method === 'tools/list' ? cacheable : {}),
    ...result,
    resultType: 'complete',
    _meta: {
      ...(typeof result['_meta'] === 'object' ? result['_meta'] : {}),
      'io.modelcontextprotocol/serverInfo': serverInfo,
    },
  };
}
