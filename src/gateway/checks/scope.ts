import type { AgentSpec, EstopConfig, ToolMark } from '../../contract/config.ts';
import { type Check, denied, known } from '../passage.ts';

/** The agent's own list allows the tool, or asks. What is not listed is denied. */
export const checkScope: Check = ({ host, facts }) => {
  const agent = agentOf(host.config.current(), known(facts.claims).agentId);
  const mark = agent === undefined ? undefined : markOf(agent, known(facts.tool).pin);
  if (agent === undefined || mark === undefined) return denied('tool-not-available');
  facts.agent = agent;
  facts.mark = mark;
  return undefined;
};

/** The exact name beats the wildcard, so that one tool of an allowed server can still be asked about. */
export function markOf(
  agent: AgentSpec,
  tool: { readonly serverId: string; readonly name: string },
): ToolMark | undefined {
  for (const pattern of [`${tool.serverId}/${tool.name}`, `${tool.serverId}/*`]) {
    // A tool may be called `constructor`: only the agent's own lines count.
    if (Object.hasOwn(agent.tools, pattern)) return agent.tools[pattern];
  }
  return undefined;
}

const indexes = new WeakMap<EstopConfig, ReadonlyMap<string, AgentSpec>>();

/** One index per configuration; a reload brings a new object and so a new index. */
export function agentOf(config: EstopConfig, agentId: string): AgentSpec | undefined {
  let index = indexes.get(config);
  if (index === undefined) {
    index = new Map(config.agents.map((agent) => [agent.agentId, agent]));
    indexes.set(config, index);
  }
  return index.get(agentId);
}
