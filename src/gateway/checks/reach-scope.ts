import type { AgentSpec } from '../../contract/config.ts';
import type { Line } from '../../contract/delegation.ts';
import { isListMethod } from '../mcp/methods.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { rightsOf } from '../rights.ts';
import type { Reach } from '../upstream/reach.ts';
import { isRecord } from '../upstream/read-reply.ts';

/**
 * The agent's own lists name it, and those of every agent that it works for; or a line `<server>/*: allow` gives it the whole server. A server of which it may use single
 * tools only shows it none of its resources and prompts.
 */
export const checkReachScope: Check = ({ host, asked, facts }): Verdict => {
  const line = rightsOf(host.config.current(), known(facts.claims));
  if (line === undefined) return denied('internal');
  facts.agent = line[0];
  facts.line = line;
  const reaches = known(facts.reaches);
  const allowed = reaches.flatMap((reach) => narrowed(line, reach));
  facts.reaches = allowed;
  if (asked.kind === 'subscription' && allowed.length > 1)
    return denied('invalid-arguments', 'changes of several servers: listen on the endpoint of each');
  if (allowed.length > 0) return undefined;
  // A list of what it may not see is empty; anything else has to be told that it was refused.
  if ('method' in asked && isListMethod(asked.method)) return undefined;
  return denied(asked.kind === 'prompt' ? 'prompt-not-available' : 'resource-not-available');
};

function narrowed(line: Line, reach: Reach): readonly Reach[] {
  const { serverId } = reach.server.spec;
  if (reach.method === 'subscriptions/listen') return narrowedStream(line, reach);
  if (reach.name === undefined) {
    const mayUseAny = reach.method === 'prompts/list' ? mayUsePrompts : mayUseResources;
    return line.every((agent) => mayUseAny(agent, serverId)) ? [reach] : [];
  }
  const { name } = reach;
  return line.every((agent) => mayReach(agent, reach, name)) ? [reach] : [];
}

/** Whether all that a stream was opened for may still be heard. The configuration may have changed since, and a stream lives long. */
export function mayStillHear({ host, facts }: Passage): boolean {
  const line = rightsOf(host.config.current(), known(facts.claims));
  const [reach] = known(facts.reaches);
  if (line === undefined || reach === undefined) return false;
  const [now] = narrowedStream(line, reach);
  return JSON.stringify(now?.params) === JSON.stringify(reach.params);
}

/** Of a stream only the part that it may see is asked for. */
function narrowedStream(line: Line, reach: Reach): readonly Reach[] {
  const { serverId } = reach.server.spec;
  const wanted = reach.params['notifications'];
  const may = (any: (agent: AgentSpec, serverId: string) => boolean): boolean =>
    line.every((agent) => any(agent, serverId));
  if (!isRecord(wanted)) return [];
  const uris = (Array.isArray(wanted['resourceSubscriptions']) ? wanted['resourceSubscriptions'] : []).filter(
    (uri): uri is string => typeof uri === 'string' && line.every((agent) => mayUseResource(agent, serverId, uri)),
  );
  const notifications = {
    ...(wanted['toolsListChanged'] === true && may(mayUseTools) ? { toolsListChanged: true } : {}),
    ...(wanted['promptsListChanged'] === true && may(mayUsePrompts) ? { promptsListChanged: true } : {}),
    ...(wanted['resourcesListChanged'] === true && may(mayUseResources) ? { resourcesListChanged: true } : {}),
    ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
  };
  return Object.keys(notifications).length === 0 ? [] : [{ ...reach, params: { notifications } }];
}

/** As the strictest of them has it. */
export function reachListedIn(line: readonly AgentSpec[], reach: Reach): 'exact' | 'wildcard' | undefined {
  const listed = line.map((agent) => reachListedAs(agent, reach));
  if (listed.includes(undefined)) return undefined;
  return listed.includes('wildcard') ? 'wildcard' : 'exact';
}

/** By its own line, or with others: a line that ends with `*`, or that gives the whole server. */
function reachListedAs(agent: AgentSpec, reach: Reach): 'exact' | 'wildcard' | undefined {
  const { serverId } = reach.server.spec;
  if (reach.name === undefined) return 'wildcard'; // lists and streams have been narrowed to what it may see
  const line = `${serverId}/${reach.name}`;
  const lines = isPromptReach(reach) ? agent.prompts : agent.resources;
  if (!line.endsWith('*') && lines?.includes(line) === true) return 'exact';
  return mayReach(agent, reach, reach.name) ? 'wildcard' : undefined;
}

function isPromptReach({ method, params }: Reach): boolean {
  const ref = params['ref'];
  return method === 'prompts/get' || (isRecord(ref) && ref['type'] === 'ref/prompt');
}

function mayReach(agent: AgentSpec, reach: Reach, name: string): boolean {
  const { serverId } = reach.server.spec;
  return isPromptReach(reach) ? mayUsePrompt(agent, serverId, name) : mayUseResource(agent, serverId, name);
}

export function mayUseResource(agent: AgentSpec, serverId: string, uri: string): boolean {
  return mayUseAll(agent, serverId) || (agent.resources ?? []).some((line) => isNamed(line, serverId, uri));
}

export function mayUsePrompt(agent: AgentSpec, serverId: string, name: string): boolean {
  return mayUseAll(agent, serverId) || (agent.prompts ?? []).some((line) => isNamed(line, serverId, name));
}

const isOf = (serverId: string) => (line: string) => line.startsWith(`${serverId}/`);
const mayUseResources = (agent: AgentSpec, serverId: string): boolean =>
  mayUseAll(agent, serverId) || (agent.resources ?? []).some(isOf(serverId));
const mayUsePrompts = (agent: AgentSpec, serverId: string): boolean =>
  mayUseAll(agent, serverId) || (agent.prompts ?? []).some(isOf(serverId));
const mayUseTools = (agent: AgentSpec, serverId: string): boolean => Object.keys(agent.tools).some(isOf(serverId));

/** A server whose every tool needs no person. `ask` is for calls; it says nothing of what may be read. */
function mayUseAll(agent: AgentSpec, serverId: string): boolean {
  const line = `${serverId}/*`;
  return Object.hasOwn(agent.tools, line) && agent.tools[line] === 'allow';
}

function isNamed(line: string, serverId: string, name: string): boolean {
  const pattern = line.startsWith(`${serverId}/`) ? line.slice(serverId.length + 1) : undefined;
  if (pattern === undefined || pattern === '') return false;
  if (pattern === '*') return true;
  if (!pattern.endsWith('*')) return pattern === name;
  // What begins as allowed must not climb out of it further on.
  return name.startsWith(pattern.slice(0, -1)) && !climbs(name);
}

/** Also if it is written in percent signs, and those in percent signs again. What cannot be read is taken to climb. */
function climbs(uri: string): boolean {
  let plain = uri;
  try {
    for (let round = 0; round < 3; round += 1) plain = decodeURIComponent(plain);
  } catch {
    return true;
  }
  return plain.split(/[/\\?#]/).includes('..');
}
