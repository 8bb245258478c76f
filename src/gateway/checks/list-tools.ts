import type { AgentSpec } from '../../contract/config.ts';
import { type Answer, type Check, known } from '../passage.ts';
import type { ToolServers } from '../upstream/tool-servers.ts';
import { agentOf, markOf } from './scope.ts';

/** What the agent may call, and nothing else: a tool that is not listed is not even known by name. */
export const listTools: Check = ({ host, facts }) => {
  const agent = agentOf(host.config.current(), known(facts.claims).agentId);
  facts.answer = agent === undefined ? { tools: [] } : listFor(agent, host.tools);
  return undefined;
};

const lists = new WeakMap<
  AgentSpec,
  { readonly version: number; readonly tools: ToolServers; readonly answer: Answer }
>();

function listFor(agent: AgentSpec, tools: ToolServers): Answer {
  const made = lists.get(agent);
  if (made !== undefined && made.tools === tools && made.version === tools.version) return made.answer;
  const allowed = tools.all().filter((pin) => markOf(agent, pin) !== undefined);
  const answer = { tools: allowed.map((pin) => ({ ...pin.definition, name: pin.listedName })) };
  lists.set(agent, { version: tools.version, tools, answer });
  return answer;
}
