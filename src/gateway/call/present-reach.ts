import type { AgentSpec } from '../../contract/config.ts';
import { mayUsePrompt, mayUseResource } from '../checks/reach-scope.ts';
import { isListMethod, listKeys } from '../mcp/methods.ts';
import { joinUri, splitName, splitUri } from '../mcp/names.ts';
import { type Answer, known, type Passage } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';
import { subscriptionId } from './relay-changes.ts';

/** An answer as this agent may see it: lists without what it may not use, URIs as the endpoint spells them. */
export function presentReach(passage: Passage, result: Answer): Answer {
  const { asked, facts } = passage;
  if (!('method' in asked)) return {};
  const endpoint = passage.client?.endpoint;
  if (asked.method === 'subscriptions/listen') return { _meta: { [subscriptionId]: passage.client?.requestId } };
  if (isListMethod(asked.method)) {
    const key = listKeys[asked.method];
    const found = result[key];
    const line = known(facts.line);
    const items = (Array.isArray(found) ? found : []).filter((item) =>
      line.every((agent) => isSeen(agent, endpoint, item)),
    );
    const { nextCursor, ...rest } = result;
    if (endpoint === undefined || typeof nextCursor !== 'string') return { ...rest, [key]: items };
    const to = { taskId: known(facts.claims).taskId, serverId: endpoint, about: asked.method };
    return { ...rest, [key]: items, nextCursor: passage.host.serversWords.give(to, nextCursor) };
  }
  const [reach] = known(facts.reaches);
  const contents = result['contents'];
  if (endpoint !== undefined || reach === undefined || !Array.isArray(contents)) return result;
  return {
    ...result,
    contents: contents.map((item: unknown) =>
      isRecord(item) && typeof item['uri'] === 'string'
        ? { ...item, uri: joinUri(reach.server.spec.serverId, item['uri']) }
        : item,
    ),
  };
}

function isSeen(agent: AgentSpec, endpoint: string | undefined, item: unknown): boolean {
  if (!isRecord(item)) return false;
  // A template is seen where any URI of it could be used: by its text up to the first part that is filled in.
  const uri = item['uri'] ?? item['uriTemplate'];
  if (typeof uri === 'string') {
    const own = endpoint === undefined ? splitUri(uri) : { serverId: endpoint, name: uri };
    return (
      own !== undefined &&
      (item['uri'] === undefined ? isTemplateSeen(agent, own) : mayUseResource(agent, own.serverId, own.name))
    );
  }
  const { name } = item;
  if (typeof name !== 'string') return false;
  const own = endpoint === undefined ? splitName(name) : { serverId: endpoint, name };
  return own !== undefined && mayUsePrompt(agent, own.serverId, own.name);
}

function isTemplateSeen(
  agent: AgentSpec,
  { serverId, name }: { readonly serverId: string; readonly name: string },
): boolean {
  if (mayUseResource(agent, serverId, name)) return true;
  const head = name.split('{', 1)[0] ?? '';
  return (agent.resources ?? []).some(
    (line) =>
      line.startsWith(`${serverId}/`) &&
      line
        .slice(serverId.length + 1)
        .replace(/\*$/, '')
        .startsWith(head),
  );
}
