import { toolOfMethod } from '../../contract/admitted-methods.ts';
import { toolKey } from '../../core/scope-key.ts';
import { readState, saidTo } from '../call/servers-state.ts';
import type { JsonObject, JsonValue } from '../json/parse-strict.ts';
import type { McpClient } from '../mcp/mcp-client.ts';
import { isListMethod, type ReachMethod } from '../mcp/methods.ts';
import { type OwnedName, splitName, splitUri } from '../mcp/names.ts';
import { type Asked, type Check, type Denial, denied, known, type Passage, type Verdict } from '../passage.ts';
import type { Reach } from '../upstream/reach.ts';
import { isRecord } from '../upstream/read-reply.ts';

type AskedReach = Extract<Asked, { readonly params: JsonObject }>;

/** Whose it is, and under which name that server knows it. A name that is nobody's is denied like one that is not allowed. */
export const checkReachKnown: Check = (passage): Verdict => {
  const { asked, facts } = passage;
  if (!('params' in asked)) return denied('internal');
  const client = known(passage.client);
  const found = isListMethod(asked.method)
    ? listReaches(passage, asked, client)
    : asked.method === 'subscriptions/listen'
      ? listenReaches(passage, asked, client)
      : oneReach(passage, asked, client);
  if ('kind' in found) return found;
  facts.reaches = found;
  return undefined;
};

/** One page of one server, or everything of all of them: pages of several servers have no common cursor. */
function listReaches(
  passage: Passage,
  { method, params: { cursor } }: AskedReach,
  { endpoint }: McpClient,
): readonly Reach[] | Denial {
  const { host, facts } = passage;
  if (endpoint === undefined)
    return host.tools
      .servers()
      .filter((server) => server.serves(method))
      .flatMap((server) => reachAt(passage, server.spec.serverId, method, undefined, {}));
  if (typeof cursor !== 'string') return reachAt(passage, endpoint, method, undefined, {});
  const { taskId } = known(facts.claims);
  const given = host.serversWords.take({ taskId, serverId: endpoint, about: method }, cursor);
  if (given === undefined) return denied('invalid-arguments', 'this list gave no such cursor');
  return reachAt(passage, endpoint, method, undefined, { cursor: given });
}

/** A stream of changes: one at each server that can have any. */
function listenReaches(
  passage: Passage,
  { method, params, serverId: part }: AskedReach,
  { endpoint }: McpClient,
): readonly Reach[] | Denial {
  const wanted = params['notifications'];
  if (!isRecord(wanted)) return denied('invalid-arguments', 'subscriptions/listen needs notifications');
  const only = endpoint ?? part;
  const servers = only === undefined ? passage.host.tools.servers().map(({ spec }) => spec.serverId) : [only];
  const uris = (Array.isArray(wanted['resourceSubscriptions']) ? wanted['resourceSubscriptions'] : []).filter(
    (uri): uri is string => typeof uri === 'string',
  );
  const flags = Object.fromEntries(
    ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'].flatMap((key) =>
      wanted[key] === true ? [[key, true]] : [],
    ),
  );
  return servers.flatMap((serverId) => {
    const own = uris.flatMap((uri) => {
      const owned = ownerOf(endpoint, uri, splitUri);
      return owned?.serverId === serverId ? [owned.name] : [];
    });
    const notifications = { ...flags, ...(own.length === 0 ? {} : { resourceSubscriptions: own }) };
    return reachAt(passage, serverId, method, undefined, { notifications });
  });
}

function oneReach(
  passage: Passage,
  { method, params }: AskedReach,
  { endpoint }: McpClient,
): readonly Reach[] | Denial {
  const subject = subjectOf(method, params);
  if (subject === undefined) return denied('invalid-arguments', `${method} does not say what it is about`);
  const owned = ownerOf(endpoint, subject.name, subject.isUri ? splitUri : splitName);
  const named =
    owned && readState(passage, saidTo(passage, owned.serverId, method, owned.name), subject.named(owned.name));
  if (owned !== undefined && named === undefined)
    return denied('invalid-arguments', 'its server gave no such requestState for this');
  const reaches =
    owned === undefined || named === undefined ? [] : reachAt(passage, owned.serverId, method, owned.name, named);
  return reaches.length > 0 ? reaches : denied(subject.isUri ? 'resource-not-available' : 'prompt-not-available');
}

interface Subject {
  readonly name: string;
  readonly isUri: boolean;
  /** What its method knows of parameters, and nothing else that the agent adds; with the name that its own server knows. */
  readonly named: (name: string) => JsonObject;
}

function subjectOf(method: ReachMethod, params: JsonObject): Subject | undefined {
  const { name, uri, ref } = params;
  if (method === 'prompts/get')
    return isText(name)
      ? { name, isUri: false, named: (own) => ({ ...only(params, 'arguments', ...answers), name: own }) }
      : undefined;
  if (method === 'resources/read')
    return isText(uri)
      ? { name: uri, isUri: true, named: (own) => ({ ...only(params, ...answers), uri: own }) }
      : undefined;
  if (method !== 'completion/complete')
    return isText(uri) ? { name: uri, isUri: true, named: (own) => ({ uri: own }) } : undefined;
  if (!isRecord(ref)) return undefined;
  const rest = only(params, 'argument', 'context');
  const { type } = ref;
  if (type === 'ref/prompt' && isText(ref['name']))
    return { name: ref['name'], isUri: false, named: (own) => ({ ...rest, ref: { type, name: own } }) };
  if (type === 'ref/resource' && isText(ref['uri']))
    return { name: ref['uri'], isUri: true, named: (own) => ({ ...rest, ref: { type, uri: own } }) };
  return undefined;
}

/** What is sent along of a server's questions. */
const answers = ['inputResponses', 'requestState'] as const;

function only(params: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(params).filter(([name]) => names.includes(name)));
}

const isText = (value: JsonValue | undefined): value is string => typeof value === 'string' && value !== '';

function ownerOf(
  endpoint: string | undefined,
  name: string,
  split: (name: string) => OwnedName | undefined,
): OwnedName | undefined {
  return endpoint === undefined ? split(name) : { serverId: endpoint, name };
}

/** The key is a tool's, made of the method: `tool:files/resources.read` is what a stop of it names. */
function reachAt(
  { host }: Passage,
  serverId: string,
  method: ReachMethod,
  name: string | undefined,
  params: Readonly<Record<string, unknown>>,
): readonly Reach[] {
  const server = host.tools.server(serverId);
  if (server === undefined) return [];
  const scopeKey = toolKey(serverId, toolOfMethod(method));
  return [{ server, method, scopeKey, params, ...(name === undefined ? {} : { name }) }];
}
