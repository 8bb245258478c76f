import { bearerOf } from '../checks/fence.ts';
import { mayStillHear } from '../checks/reach-scope.ts';
import { rememberMeanwhile } from '../flow/remember.ts';
import { joinUri } from '../mcp/names.ts';
import type { Passage } from '../passage.ts';
import type { OnMessage } from '../upstream/prepared.ts';
import { isRecord } from '../upstream/read-reply.ts';
import { withoutOurMeta } from './relay.ts';

const changes: ReadonlySet<string> = new Set([
  'notifications/subscriptions/acknowledged',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
]);

export const subscriptionId = 'io.modelcontextprotocol/subscriptionId';

/**
 * What comes in on a stream of changes, under the client's own id of the subscription. A client that does not read is not waited
 * for. One that may not hear of it any more is told so by the end of its stream. rule: fence-before-answer
 */
export function relayChanges(passage: Passage, serverId: string): OnMessage {
  return ({ id, method, params }) => {
    const { client, host } = passage;
    if (client === undefined || id !== undefined || !changes.has(method)) return;
    if (host.fence.check(bearerOf(passage)).kind !== 'clear') return;
    if (!mayStillHear(passage)) return passage.facts.call?.destroy({ kind: 'client-gone' });
    rememberMeanwhile(passage, { method, params });
    const { _meta: meta, ...own } = withoutOurMeta(isRecord(params) ? params : {});
    const { uri } = own;
    client.relay({
      jsonrpc: '2.0',
      method,
      params: {
        ...own,
        ...(client.endpoint === undefined && typeof uri === 'string' ? { uri: joinUri(serverId, uri) } : {}),
        _meta: { ...(isRecord(meta) ? meta : {}), [subscriptionId]: client.requestId },
      },
    });
  };
}
