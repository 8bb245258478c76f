import type { AgentSpec, GrantSpec, ToolMark } from './config.ts';
import { mayUseServer } from './credential-use.ts';
import { serverOfGrant } from './tool-grant.ts';

/** An agent, and behind it those that it works for. */
export type Line = readonly [AgentSpec, ...AgentSpec[]];

/**
 * The agents whose lists bind a task: its own first, then those that it works for. One that lends more than it has (`delegation: own`)
 * binds nobody but its own tasks. Undefined where one of them is not configured any more: then nothing says what it could do.
 */
export function lineOf(
  find: (agentId: string) => AgentSpec | undefined,
  agentId: string,
  agents: readonly string[],
): Line | undefined {
  const own = find(agentId);
  if (own === undefined) return undefined;
  const line: [AgentSpec, ...AgentSpec[]] = [own];
  for (const other of agents) {
    if (other === agentId) continue;
    const spec = find(other);
    if (spec === undefined) return undefined;
    if (spec.delegation !== 'own') line.push(spec);
  }
  return line;
}

interface Tool {
  readonly serverId: string;
  readonly name: string;
}

/** The exact name beats the wildcard, so that one tool of an allowed server can still be asked about. */
export function markOf(agent: AgentSpec, tool: Tool): ToolMark | undefined {
  for (const pattern of [`${tool.serverId}/${tool.name}`, `${tool.serverId}/*`]) {
    // A tool may be called `constructor`: only the agent's own lines count.
    if (Object.hasOwn(agent.tools, pattern)) return agent.tools[pattern];
  }
  return undefined;
}

/** What all of them allow; asked about where one of them asks. */
export function markIn(line: readonly AgentSpec[], tool: Tool): ToolMark | undefined {
  const marks = line.map((agent) => markOf(agent, tool));
  if (marks.includes(undefined)) return undefined;
  return marks.includes('ask') ? 'ask' : 'allow';
}

/** Whether each of them has the same credential for its own tasks, or may use the tool server that it is of. */
export function mayHoldGrant(line: Line, spec: GrantSpec): boolean {
  const serverId = serverOfGrant(spec.name);
  return serverId === undefined ? haveGrant(line, spec) : line.every((agent) => mayUseServer(agent, serverId));
}

/** Whether each of them has a credential of this connector with the same options, under whatever name. */
export function haveGrant(line: readonly AgentSpec[], { connector, options }: GrantSpec): boolean {
  const wanted = JSON.stringify(options);
  return line.every(({ grants }) =>
    grants.some((grant) => grant.connector === connector && JSON.stringify(grant.options) === wanted),
  );
}
