import type { AgentSpec, EstopConfig } from '../contract/config.ts';
import { type Line, lineOf } from '../contract/delegation.ts';
import type { TaskClaims } from '../contract/identity.ts';

interface Known {
  readonly agents: ReadonlyMap<string, AgentSpec>;
  readonly lines: Map<string, Line | undefined>;
}

const mostLines = 10_000;
const known = new WeakMap<EstopConfig, Known>();

/** From the verified token and one configuration; a reload brings a new object and so a new index. Undefined: nothing is allowed. */
export function rightsOf(
  config: EstopConfig,
  { agentId, agents }: Pick<TaskClaims, 'agentId' | 'agents'>,
): Line | undefined {
  let held = known.get(config);
  if (held === undefined) {
    held = { agents: new Map(config.agents.map((agent) => [agent.agentId, agent])), lines: new Map() };
    known.set(config, held);
  }
  const { lines, agents: index } = held;
  const key = [agentId, ...agents].join('\n');
  if (lines.has(key)) return lines.get(key);
  const line = lineOf((one) => index.get(one), agentId, agents);
  if (lines.size >= mostLines) lines.clear();
  lines.set(key, line);
  return line;
}
